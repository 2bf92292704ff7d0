"""The questions that the checkpoint and its export are asked: text and images, one turn and several, two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_prep.images.data_url import data_url
from data_prep.images.encode import png_file

if TYPE_CHECKING:
    from PIL.Image import Image

_ASKED = {
    "en": (
        "What are the usual causes of a cough that lasts three weeks?",
        "Describe the finding in this image.",
        "Is it larger than in the image before?",
        "The image shows a bright disc on a dark ground.",
    ),
    "ar": (
        "ما الأسباب المعتادة لسعال يستمر ثلاثة أسابيع؟",
        "صف ما يظهر في هذه الصورة.",
        "هل هو أكبر مما في الصورة السابقة؟",
        "تُظهر الصورة قرصًا ساطعًا على خلفية داكنة.",
    ),
}
_SIZES = ((96, 150), (210, 140))  # pixels, height and width: neither is square


@dataclass(frozen=True)
class Probe:
    """One conversation that ends with a question.

    Attributes:
        name: for the report.
        turns: in transformers' form, an image being a part without content.
        images: in the order of those parts, as a server gets them.
    """

    name: str
    turns: list[dict[str, Any]]
    images: list[Image]

    def messages(self) -> list[dict[str, Any]]:
        """Return the turns in the form of OpenAI's API, with the images inside."""
        left = iter(self.images)
        return [
            turn | {"content": [part if part["type"] == "text" else _sent(next(left)) for part in turn["content"]]}
            for turn in self.turns
        ]


def _sent(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(png_file(image))}}


def probes(images: list[Image]) -> list[Probe]:
    """Return the conversations: text alone without images, and with two images also about these."""
    made = []
    for language, (question, about, compare, answer) in _ASKED.items():
        made.append(Probe(f"text, {language}", [_turn("user", question)], []))
        if images:
            first, second = images
            looked = [_turn("user", about, image=True), _turn("assistant", answer)]
            made.append(Probe(f"image, {language}", looked[:1], [first]))
            again = [*looked, _turn("user", question), _turn("assistant", answer), _turn("user", compare, image=True)]
            made.append(Probe(f"two images over three turns, {language}", again, [first, second]))
    return made


def _turn(role: str, text: str, *, image: bool = False) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "image"}] if image else []
    return {"role": role, "content": [*parts, {"type": "text", "text": text}]}


def synthetic_images() -> list[Image]:
    """Draw two images that are not square, with edges, gradients and noise; the same ones in each run."""
    import numpy as np
    from PIL import Image as Images

    random = np.random.default_rng(0)
    made = []
    for height, width in _SIZES:
        down, across = np.mgrid[0:height, 0:width]
        disc = (down - height / 3) ** 2 + (across - width / 2) ** 2 < (height / 5) ** 2
        values = np.stack([200.0 * disc, 255 * across / width, 255 * down / height], axis=-1)
        values += random.normal(0, 12, values.shape)
        made.append(Images.fromarray(values.clip(0, 255).astype("uint8")))
    return made

"""The questions that a server is asked at its start: one about an image, in English, and one of text, in Arabic."""

from __future__ import annotations

from data_prep.images.encode import png_file
from eval.images import DecodedImage, read_image
from eval.items import Item

Probe = tuple[Item, tuple[DecodedImage, ...]]
_SIZE = (400, 300)


def probes(*, sees: bool) -> list[Probe]:
    """Return the question about an image, for a model that sees, and the question of text."""
    image = {"type": "image"}
    asked = [("the image question", "en", [image, _text("What is shown in this image?")])] if sees else []
    asked.append(("the text question", "ar", [_text("ما هي أعراض الالتهاب الرئوي؟")]))
    drawn = read_image(_drawing(), "drawing")
    return [_probe(*each, drawn) for each in asked]


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _probe(name: str, language: str, content: list[dict[str, str]], drawn: DecodedImage) -> Probe:
    images = tuple(drawn for part in content if part["type"] == "image")
    message = {"role": "user", "content": content}
    names = tuple("drawing" for _ in images)
    return Item(name, language, "", "", (message,), names, "", ""), images


def _drawing() -> bytes:
    """Return a PNG without symmetry: resized, cropped or turned otherwise, it is another image to the model."""
    from PIL import Image, ImageDraw

    drawing = Image.linear_gradient("L").resize(_SIZE).convert("RGB")
    draw = ImageDraw.Draw(drawing)
    draw.ellipse((30, 40, 170, 220), fill=(200, 60, 40))
    draw.rectangle((250, 150, 380, 280), fill=(40, 90, 200))
    return png_file(drawing)

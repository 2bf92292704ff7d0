"""What a model is shown, before a run: no model is asked about images that it cannot see, unless that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eval.benchmark import Benchmark
from eval.engines.engine import Model
from eval.errors import EvalError
from eval.images import DecodedImage, read_image
from eval.items import Item

TRIED = 16
"""Items whose images are tried until those of one can be read."""


def check_sight(model: Model, asked: Iterable[tuple[str, Sequence[Item]]]) -> None:
    """Check that a model sees the images that it is asked about, or is to be asked without them.

    Args:
        model: the model.
        asked: names of benchmarks, with their items.

    Raises:
        EvalError: a text-only model is asked about images, and nobody said that it should be.
    """
    if model.shows_images or model.without_images:
        return
    shown = [name for name, items in asked if any(item.images for item in items)]
    if shown:
        raise EvalError(
            f"{model.header()['model']} is a text-only model, and {', '.join(shown)} asks about images. Leave it out, "
            "or ask without the images by --without-images; every table then says so."
        )


def first_of_each(
    items: Sequence[Item], benchmark: Benchmark, *, shown: bool
) -> list[tuple[Item, Sequence[DecodedImage]]]:
    """Return the first item with images, decoded, and the first without; one of them alone where there is no other.

    Items whose images cannot be read are passed over. Where no images are `shown`, all items are without.
    """
    found: list[tuple[Item, Sequence[DecodedImage]]] = []
    with_images = [item for item in items if item.images] if shown else []
    for item in with_images[:TRIED]:
        try:
            found.append((item, [read_image(benchmark.image(name), name) for name in item.images]))
            break
        except EvalError:
            continue
    found += [(item, ()) for item in items if not (shown and item.images)][:1]
    return found

"""`image_aspect`: LLaVA's own padding or crop, in the tower's colours, in training and in a plain process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from axolotl.utils.dict import DictDefault
from PIL import Image
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from bimedix2_plugin import BiMediX2Plugin
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.families import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD, SIGLIP_MEAN, SIGLIP_STD
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.rehearse import tiny
from tests.helpers import quick

SIDE = 4  # pixels: small enough to write down what a tower sees
TOWERS = {
    "clip_vision": (CLIP_MEAN, CLIP_STD),
    "siglip_vision": (SIGLIP_MEAN, SIGLIP_STD),
    "dinov2": (IMAGENET_MEAN, IMAGENET_STD),
}
PLAIN = """
import sys, numpy
from PIL import Image
from transformers import AutoImageProcessor
for folder in sys.argv[2:]:
    # torchvision, where it is installed, resamples differently from Pillow
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    pixels = processor(Image.open(sys.argv[1]), return_tensors="np")
    numpy.save(f"{folder}/pixels.npy", pixels["pixel_values"][0])
assert not any(name.startswith(("bimedix2_plugin", "axolotl")) for name in sys.modules), "not a plain process"
"""


@pytest.fixture(scope="module")
def composed(parts, tmp_path_factory):
    """Composed folders by tower and aspect."""
    work, found = tmp_path_factory.mktemp("aspect"), {}
    for name in TOWERS:
        tower = getattr(tiny, name)(work / name, image_size=SIDE, patch=2)
        for aspect in ("pad", "square"):
            wanted = Request(
                base=str(parts / "llama"),
                tower=str(tower),
                weights=False,
                image_aspect=aspect,
                root=work / "composed",
            )
            found[name, aspect] = compose(wanted)
    return found


def _trainings(folder):
    """The image processor that training's collator calls."""
    return BiMediX2Plugin().get_collator_cls_and_kwargs(DictDefault(base_model=str(folder)))[1]["model"].image_processor


def _seen(processor, colours):
    return processor(Image.fromarray(colours), return_tensors="np")["pixel_values"][0]


def _colours(width, height):
    """Pixels that all differ, [height, width, 3] of 0 to 255."""
    return np.random.default_rng(0).permutation(width * height * 3).astype(np.uint8).reshape(height, width, 3)


def _normalised(colours, name):
    """(value / 255 - mean) / deviation, [3, height, width]."""
    mean, deviation = (np.array(values, dtype=np.float32) for values in TOWERS[name])
    return ((colours.astype(np.float32) / 255 - mean) / deviation).transpose(2, 0, 1)


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize(("size", "corner"), [((4, 2), (0, 1)), ((2, 4), (1, 0)), ((4, 1), (0, 1)), ((3, 4), (0, 0))])
def test_pad_puts_the_picture_into_a_square_of_the_mean_colour(composed, name, size, corner):
    """As large as what the tower sees, so that no pixel is resampled."""
    (width, height), (left, top) = size, corner
    colours = _colours(width, height)
    square = np.empty((SIDE, SIDE, 3), dtype=np.uint8)
    square[:] = [int(255 * mean) for mean in TOWERS[name][0]]
    square[top : top + height, left : left + width] = colours
    seen = _seen(_trainings(composed[name, "pad"]), colours)
    np.testing.assert_allclose(seen, _normalised(square, name), atol=1e-6)


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize(("width", "height"), [(8, 4), (4, 8)])
def test_square_takes_the_centre(composed, name, width, height):
    colours = _colours(width, height)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    centre = colours[top : top + SIDE, left : left + SIDE]
    seen = _seen(_trainings(composed[name, "square"]), colours)
    np.testing.assert_allclose(seen, _normalised(centre, name), atol=1e-6)


def test_the_pixels_by_hand(composed):
    """CLIP's mean colour is (122, 116, 104); a white image, 4 wide and 2 high, between bands of it."""
    seen = _seen(_trainings(composed["clip_vision", "pad"]), np.full((2, 4, 3), 255, dtype=np.uint8))
    band, white = seen[:, 0, 0], seen[:, 1, 0]
    np.testing.assert_allclose(band, [-0.0113, -0.0112, -0.0013], atol=1e-4)
    np.testing.assert_allclose(white, [1.9303, 2.0749, 2.1459], atol=1e-4)
    assert (seen[:, [0, 3]] == band[:, None, None]).all() and (seen[:, 1:3] == white[:, None, None]).all()


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize(("width", "height"), [(40, 23), (23, 40)])
@pytest.mark.parametrize("aspect", ["pad", "square"])
def test_resized_as_pillow_does(composed, name, width, height, aspect):
    """Padded first, or cropped last."""
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))
    if aspect == "pad":
        side = max(image.size)
        square = Image.new("RGB", (side, side), tuple(int(255 * mean) for mean in TOWERS[name][0]))
        square.paste(image, ((side - width) // 2, (side - height) // 2))
        expected = np.array(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    else:
        long = int(SIDE * max(width, height) / min(width, height))
        resized = np.array(image.resize((long, SIDE) if width > height else (SIDE, long), Image.Resampling.BICUBIC))
        edge = (long - SIDE) // 2
        expected = resized[:, edge : edge + SIDE] if width > height else resized[edge : edge + SIDE]
    seen = _seen(_trainings(composed[name, aspect]), np.array(image))
    np.testing.assert_allclose(seen, _normalised(expected, name), atol=1e-5)


def test_training_calls_llavas_own_processor_by_name(composed):
    assert all(type(_trainings(folder)) is LlavaImageProcessorPil for folder in composed.values())


def test_the_processor_saved_with_a_checkpoint_does_the_same_in_a_plain_process(composed, workshop):
    colours = _colours(6, 4)
    Image.fromarray(colours).save("image.png")
    with quick.collections():
        trainer = quick.train(max_steps=1, image_aspect="pad")
    expected = {"out": _seen(trainer.data_collator.model.image_processor, colours)}
    expected |= {str(folder): _seen(_trainings(folder), colours) for folder in composed.values()}
    subprocess.run([sys.executable, "-c", PLAIN, "image.png", *expected], check=True, capture_output=True)
    for folder, pixels in expected.items():
        np.testing.assert_array_equal(np.load(f"{folder}/pixels.npy"), pixels)
    assert expected["out"].shape == (3, 28, 28)

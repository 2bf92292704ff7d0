"""The perceptual hash is imagehash's, on smooth images, noise, drawings, and images of one colour or in symmetry."""

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw

from data_prep.images import perceptual

KINDS = ("noise", "smooth", "mirrored", "drawing", "one colour")


def image_of(kind: str, seed: int) -> Image.Image:
    draw = np.random.default_rng(seed)
    noise = draw.integers(0, 256, (48, 64), np.uint8)
    if kind == "smooth":
        return Image.fromarray(noise[:6, :8]).resize((160, 120), Image.Resampling.BICUBIC)
    if kind == "mirrored":
        return Image.fromarray(np.hstack([noise, noise[:, ::-1]]))
    if kind == "drawing":
        image = Image.new("L", (90, 70), int(noise[0, 0]))
        ImageDraw.Draw(image).ellipse([*draw.integers(0, 40, 2).tolist(), 80, 60], fill=int(noise[0, 1]))
        return image
    return Image.fromarray(noise) if kind == "noise" else Image.new("L", (40, 30), seed % 256)


def reference(image: Image.Image) -> str:
    return str(imagehash.phash(image.resize((32, 32), Image.Resampling.LANCZOS, reducing_gap=4.0)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_hash_is_imagehashs(kind):
    images = [image_of(kind, seed) for seed in range(256)]
    assert [perceptual.phash(image) for image in images] == [reference(image) for image in images]


@given(arrays.arrays(np.uint8, (32, 32), elements=st.sampled_from([0, 1, 127, 254, 255]), fill=st.just(0)))
def test_the_hash_of_few_grey_values_is_imagehashs(pixels):
    """Many of their frequencies are equal, so that rounding decides."""
    assert perceptual.phash(Image.fromarray(pixels)) == reference(Image.fromarray(pixels))


def test_a_flipped_image_has_one_of_the_three_flipped_hashes():
    image = image_of("smooth", 1)
    turned = [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180]
    assert perceptual.flipped(image) == [perceptual.phash(image.transpose(way)) for way in turned]

"""From any image file to the stored one."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from data_prep.images.encode import stored_image
from data_prep.images.metadata import orientation_of, upright, upright_size
from data_prep.rows import Reject
from tests.helpers.data_fixtures import encoded, random_image


def stored_pixels(stored):
    return np.asarray(Image.open(io.BytesIO(stored.data)))


def test_a_plain_file_is_stored_as_it_came():
    for format in ("PNG", "JPEG"):
        data = encoded(random_image(), format)
        assert stored_image(data, max_side=24).data == data


@pytest.mark.parametrize("format", ["BMP", "TIFF", "GIF"])
def test_other_formats_become_png_without_loss(format):
    image = random_image().convert("L")
    stored = stored_image(encoded(image, format))
    assert stored.data.startswith(b"\x89PNG")
    kept = Image.open(io.BytesIO(stored.data)).convert("L")
    assert np.array_equal(np.asarray(kept), np.asarray(image))


def test_a_long_image_is_scaled_once_and_its_shape_kept():
    stored = stored_image(encoded(random_image(size=(1000, 500)), "JPEG"), max_side=512)
    assert (stored.width, stored.height, stored.resized) == (512, 256, True)
    assert stored_image(stored.data, max_side=512).data == stored.data


def test_16_bit_grey_does_not_turn_white_or_black():
    values = np.linspace(0, 4095, 256 * 4).reshape(16, 64).astype(np.uint16)
    kept = stored_pixels(stored_image(encoded(Image.fromarray(values))))
    assert kept.dtype == np.uint8 and kept.min() == 0 and kept.max() == 255
    assert np.all(np.diff(kept.ravel().astype(int)) >= 0)


def test_transparent_pixels_are_white_not_what_they_hide():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert np.all(stored_pixels(stored_image(encoded(image))) == 255)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "empty file"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"\n <HTML>404</HTML>", "web page"),
        (b"%PDF-1.4 nothing", "cannot identify"),
        (encoded(random_image(size=(200, 200)), "JPEG")[:900], "truncated"),
        (encoded(random_image(size=(200, 200)))[:900], "truncated"),
    ],
)
def test_what_is_not_an_image_says_why(data, message):
    with pytest.raises(Reject, match=message) as caught:
        stored_image(data)
    assert caught.value.reason == "undecodable_image"
    assert "0x" not in caught.value.detail, "no memory address: the same input gives the same ledger"


def bomb(side):
    """A PNG of a few hundred bytes that claims side x side pixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" * 1000))]
    body = [
        struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in (*chunks, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@pytest.mark.parametrize("side", [9_000, 11_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side):
    with pytest.raises(Reject) as caught:
        stored_image(bomb(side))
    assert caught.value.reason == "image_too_large"


def test_the_bound_on_pixels_is_the_callers():
    data = encoded(random_image(size=(20, 20)))
    stored_image(data, max_pixels=400)
    with pytest.raises(Reject, match="20x20 pixels, at most 399"):
        stored_image(data, max_pixels=399)


def test_the_perceptual_hash_sees_through_the_codec_and_not_through_a_flip():
    shape = random_image(size=(8, 8), mode="L").resize((96, 96), Image.Resampling.BICUBIC)
    png, jpeg = stored_image(encoded(shape)), stored_image(encoded(shape, "JPEG", quality=90))
    flipped = stored_image(encoded(shape.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    assert len(png.phash) == 16
    assert (int(png.phash, 16) ^ int(jpeg.phash, 16)).bit_count() <= 4
    assert (int(png.phash, 16) ^ int(flipped.phash, 16)).bit_count() > 8


@settings(max_examples=40, deadline=None)
@given(
    st.integers(40, 1700), st.integers(40, 1700), st.sampled_from(["L", "RGB"]), st.integers(1, 8), st.integers(0, 9)
)
def test_the_hash_of_an_image_is_that_of_its_other_files(width, height, mode, orientation, seed):
    """Structured images of any size: JPEG and PNG are shrunk by different code, before they are turned upright."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    shape = Image.fromarray(coarse).convert(mode).resize((width, height), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = [stored_image(encoded(shape, format, exif=exif)) for format in ("PNG", "JPEG")]
    plain = stored_image(encoded(ImageOps.exif_transpose(Image.open(io.BytesIO(encoded(shape, exif=exif))))))
    for stored in turned:
        assert (stored.width, stored.height) == (plain.width, plain.height)
        assert (int(stored.phash, 16) ^ int(plain.phash, 16)).bit_count() <= 4
    assert (
        turned[0].phash == stored_image(turned[0].data).phash and turned[1].phash == stored_image(turned[1].data).phash
    )


def test_an_image_that_nothing_looks_at_is_not_decoded():
    """Its header tells the size, its last bytes that it is whole; other damage is found by `data_prep check`."""
    whole = encoded(random_image(size=(200, 100)))
    damaged = whole[:300] + bytes(50) + whole[350:]
    stored = stored_image(damaged, decode=False)
    assert (stored.data, stored.width, stored.height, stored.phash) == (damaged, 200, 100, None)
    with pytest.raises(Reject):
        stored_image(damaged)
    for cut in (whole[:900], encoded(random_image(size=(200, 100)), "JPEG")[:900], b"<!DOCTYPE html><html>404</html>"):
        with pytest.raises(Reject) as caught:
            stored_image(cut, decode=False)
        assert caught.value.reason == "undecodable_image"


@pytest.mark.parametrize("mode, format", [("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGB", "PNG"), ("RGB", "WEBP")])
@pytest.mark.parametrize("max_side", [None, 24])
def test_broken_exif_costs_nothing_but_itself(mode, format, max_side):
    """Cameras and scanners write it; the pixels are good, and upright as far as anybody can tell."""
    whole = random_image(size=(60, 40)).convert(mode)
    bodies = (b"Exif\0\0not a TIFF file", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0MM\0*\0\0\0\x08\0\x09")
    for body in bodies:
        stored = stored_image(encoded(whole, format, exif=body), max_side)
        clean = stored_image(encoded(whole, format), max_side)
        assert stored == clean


def test_every_orientation_is_turned_as_pillow_turns_it():
    for number in range(10):
        exif = Image.Exif()
        exif[0x0112] = number
        image = Image.open(io.BytesIO(encoded(random_image(size=(40, 20)), exif=exif)))
        turned = upright(image, orientation_of(image))
        assert np.array_equal(np.asarray(turned), np.asarray(ImageOps.exif_transpose(image)))
        assert turned.size == upright_size(image, orientation_of(image))

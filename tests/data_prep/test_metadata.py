"""Metadata goes, pixels stay."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from data_prep.images.encode import stored_image
from data_prep.images.metadata import strip_jpeg, strip_png
from tests.helpers.data_fixtures import encoded, random_image

SECRET = b"Doe^Jane"


def exif(orientation=None):
    tags = Image.Exif()
    tags[0x010E] = SECRET.decode()  # ImageDescription
    if orientation:
        tags[0x0112] = orientation
    return tags


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def secret_png(**options):
    text = PngInfo()
    text.add_text("Patient", SECRET.decode())
    text.add_itxt("Patient2", SECRET.decode(), zip=False)
    return encoded(random_image(), pnginfo=text, exif=exif(), **options)


def secret_jpeg(**options):
    return encoded(random_image(), "JPEG", exif=exif(), comment=SECRET, xmp=SECRET, **options) + SECRET


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 100, "subsampling": 0}])
def test_jpeg_keeps_its_very_pixels(options):
    data = secret_jpeg(**options)
    assert SECRET in data
    stripped = strip_jpeg(data)
    assert SECRET not in stripped
    assert np.array_equal(pixels(stripped), pixels(data))


def test_jpeg_restart_markers_are_not_the_end():
    data = encoded(random_image(size=(500, 500)), "JPEG", restart_marker_blocks=2, comment=SECRET)
    assert b"\xff\xd0" in data
    assert np.array_equal(pixels(strip_jpeg(data)), pixels(data))


def test_a_colour_profile_stays():
    profile = b"\0" * 200
    data = encoded(random_image(), "JPEG", icc_profile=profile)
    assert Image.open(io.BytesIO(strip_jpeg(data))).info["icc_profile"] == profile


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_png_keeps_its_very_pixels(mode):
    text = PngInfo()
    text.add_text("Patient", SECRET.decode())
    data = encoded(random_image().convert(mode), pnginfo=text) + SECRET
    stripped = strip_png(data)
    assert SECRET in data and SECRET not in stripped
    assert np.array_equal(pixels(stripped), pixels(data))


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_of_exif_only_the_orientation_stays(format):
    data = encoded(random_image(size=(30, 10)), format, exif=exif(orientation=6))
    stored = stored_image(data)
    assert SECRET not in stored.data
    kept = Image.open(io.BytesIO(stored.data))
    assert dict(kept.getexif()) == {0x0112: 6}
    assert kept.size == (30, 10)
    assert (stored.width, stored.height) == (10, 30), "the size is that of the image as shown"


def test_stripping_twice_changes_nothing():
    for strip, data in ((strip_png, secret_png()), (strip_jpeg, secret_jpeg())):
        assert strip(strip(data)) == strip(data)


@pytest.mark.parametrize("fill", [b"", b"\xff", b"\xff\xff\xff"])
def test_fill_bytes_before_a_marker_go_with_the_image(fill):
    data = encoded(random_image(size=(200, 200)), "JPEG")
    assert strip_jpeg(data[:-2] + fill + data[-2:] + SECRET) == strip_jpeg(data)


def test_other_exif_of_the_same_length_goes_too():
    kept = strip_jpeg(encoded(random_image(), "JPEG"), orientation=6)
    at = kept.index(b"Exif\0\0") + 6
    other = kept[:at] + SECRET[:8].ljust(8, b"!") + kept[at + 8 :]
    assert len(other) == len(kept) and strip_jpeg(other, orientation=6) == kept


def test_a_file_that_is_cut_off_is_not_made_whole():
    data = encoded(random_image(size=(200, 200)), "JPEG")
    assert strip_jpeg(data[:2_000]) == data[:2_000]
    with pytest.raises(OSError, match="truncated"):
        pixels(strip_jpeg(data[:2_000]))

"""What can be shown to a model, and what cannot: every file that is no image is refused with one message."""

import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file

from eval.chat.attachment import View, attach
from eval.errors import EvalError
from tests.helpers import eval_builders as make


def sample(name):
    return Path(get_testdata_file(name, download=False))


def test_metadata_of_a_photo_is_dropped_and_it_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Patient: A. Somebody"
    path = tmp_path / "photo.jpg"
    path.write_bytes(make.noise((8, 4), 1, "JPEG", exif=exif))
    found = attach(path)
    assert b"Somebody" in path.read_bytes() and b"Somebody" not in found.content
    assert found.decoded.image.size == (4, 8) and found.suffix == ".jpg"


def test_a_window_and_a_frame_of_a_dicom_file_are_chosen():
    ct = sample("CT_small.dcm")
    narrow, wide = (attach(ct, View(window=(40, width))) for width in (10, 4000))
    assert narrow.content != wide.content and narrow.note == "frame 0 of 0 to 0, window 40 10"
    assert b"CompressedSamples" not in attach(ct).content
    cine = sample("examples_ybr_color.dcm")
    first, last = attach(cine, View(frame=0)), attach(cine, View(frame=29))
    assert first.frames == 30 and first.key != last.key and last.note.startswith("frame 29")
    for frame in (30, -1):
        with pytest.raises(EvalError, match="frames 0 to 29"):
            attach(cine, View(frame=frame))
    for window in ((40, 0), (40, -400), (40, float("nan")), (float("inf"), 400)):
        with pytest.raises(EvalError, match="a width of at least 1"):
            attach(ct, View(window=window))


def test_a_dicom_file_is_known_by_its_content(tmp_path):
    path = tmp_path / "IM0001"
    path.write_bytes(sample("CT_small.dcm").read_bytes())
    assert attach(path).decoded.image.size == (128, 128)


def huge(path, side=17_400):
    """A PNG file of 303 megapixels, and a few bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def enormous(path):
    with path.open("wb") as file:
        file.truncate(3 << 30)


def blind(path):
    dataset = dcmread(sample("CT_small.dcm"))
    del dataset.PixelData
    dataset.save_as(path)


BAD = {
    "missing.png": (lambda path: None, "cannot be read"),
    "text.png": (lambda path: path.write_text("hello"), "undecodable_image"),
    "empty.jpg": (lambda path: path.write_bytes(b""), "an empty file"),
    "page.png": (lambda path: path.write_text("<!DOCTYPE html><p>404"), "a web page instead of an image"),
    "huge.png": (huge, "17400x17400|302760000 pixels"),
    "blind.dcm": (blind, "without pixels"),
    "text.dcm": (lambda path: path.write_text("hello"), "not a DICOM file"),
    "folder.png": (lambda path: path.mkdir(), "cannot be read"),
    "pipe.png": (os.mkfifo, "is no file"),
    "video.mp4": (enormous, r"3\.2 GB"),
    "frames.dcm": (lambda path: path.write_bytes(sample("badVR.dcm").read_bytes()), "its number of frames is none"),
    "drawing.svg": (lambda path: path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"), "undecodable_image"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_image_is_one_message(tmp_path, name):
    make_it, message = BAD[name]
    make_it(tmp_path / name)
    with pytest.raises(EvalError, match=message) as error:
        attach(tmp_path / name)
    assert name in str(error.value) and "\n" not in str(error.value)


def image_of(mode):
    return Image.new(mode, (8, 6))


KINDS = {
    "palette.gif": lambda path: image_of("P").save(path),
    "animated.gif": lambda path: image_of("P").save(path, save_all=True, append_images=[image_of("P")] * 3),
    "animated.png": lambda path: image_of("RGB").save(path, save_all=True, append_images=[image_of("RGB")]),
    "transparent.webp": lambda path: image_of("RGBA").save(path),
    "print.jpg": lambda path: image_of("CMYK").save(path),
    "grey16.png": lambda path: image_of("I;16").save(path),
    "float.tif": lambda path: image_of("F").save(path),
    "bits.png": lambda path: image_of("1").save(path),
    "lab.tif": lambda path: image_of("LAB").save(path),
    "a \u202egnp.png": lambda path: image_of("L").save(path),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_image_file_is_shown(tmp_path, name):
    KINDS[name](tmp_path / name)
    found = attach(tmp_path / name)
    assert found.decoded.image.size == (8, 6) and found.decoded.image.mode == "RGB"
    with Image.open(io.BytesIO(found.content)) as stored:
        assert stored.format in {"PNG", "JPEG"} and stored.mode in {"1", "L", "P", "RGB"}


def test_a_window_belongs_to_dicom(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(make.png("red"))
    with pytest.raises(EvalError, match="belong to a DICOM file"):
        attach(path, View(window=(40, 400)))
    assert Image.open(io.BytesIO(attach(path).content)).size == (make.SIDE, make.SIDE)

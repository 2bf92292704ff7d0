"""DICOM pixels: every step of the grey-scale pipeline, colour, frames, and what is not an image."""

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from data_prep.images import dicom_pixels
from data_prep.images.dicom_pixels import decode
from data_prep.rows import Reject
from tests.helpers.layouts.dicom import RAMP, dicom


def grey(*arguments, **options):
    return np.asarray(decode(*arguments, **options).image).astype(int)


def test_a_window_maps_its_width_to_the_whole_range(tmp_path):
    path = dicom(tmp_path / "a.dcm", RAMP, WindowCenter=2048, WindowWidth=1024)
    found = grey(path)
    # PS3.3 C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white above c - 0.5 + (w - 1) / 2
    assert np.array_equal(found == 0, RAMP <= 2047.5 - 511.5 + 1)
    assert np.array_equal(found == 255, RAMP >= 2047.5 + 511.5 - 1)
    assert abs(found.ravel()[128] - 128) <= 1
    assert decode(path).window == "window 2048 1024"


def test_the_first_of_many_windows_is_used_and_a_chosen_one_wins(tmp_path):
    path = dicom(tmp_path / "a.dcm", RAMP, WindowCenter=[2048, 100], WindowWidth=[1024, 50], VOILUTFunction="SIGMOID")
    assert decode(path).window == "window 2048 1024"
    assert decode(path, window=(100, 50)).window == "window 100 50"
    assert np.array_equal(grey(path, window=(100, 50)) == 255, RAMP >= 125 - 1)


def test_monochrome1_is_inverted(tmp_path):
    header = {"WindowCenter": 2048, "WindowWidth": 4096}
    plain = grey(dicom(tmp_path / "2.dcm", RAMP, **header))
    inverted = grey(dicom(tmp_path / "1.dcm", RAMP, "MONOCHROME1", **header))
    assert np.array_equal(inverted, 255 - plain) and plain[0, 0] == 0


def test_signed_values_are_rescaled_before_the_window(tmp_path):
    stored = np.array([[-500, 0, 1024, 1064, 1104, 3000]] * 2, np.int16)
    path = dicom(tmp_path / "a.dcm", stored, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=81)
    assert grey(path)[0].tolist() == [0, 0, 2, 129, 255, 255]  # -0.5 is black, 79.5 white


def test_without_a_window_the_percentiles_without_padding_decide(tmp_path):
    values = RAMP.copy()
    values[:4] = 60000  # padding brighter than every pixel
    path = dicom(tmp_path / "a.dcm", values, PixelPaddingValue=60000)
    found = grey(path)[4:]
    assert found.min() == 0 and found.max() == 255 and decode(path).window.startswith("percentiles 10")
    assert np.unique(found).size > 150


@pytest.mark.parametrize("width", [0, ""])
def test_a_window_that_means_nothing_is_passed_over(tmp_path, width):
    path = dicom(tmp_path / "a.dcm", RAMP, WindowCenter=2048, WindowWidth=width)
    assert decode(path).window.startswith("percentiles")


def test_a_mask_and_a_blank_frame_survive_the_percentiles(tmp_path):
    mask = np.zeros((16, 16), np.uint8)
    mask[0, 0], mask[0, 1] = 100, 200
    assert np.unique(grey(dicom(tmp_path / "m.dcm", mask))).tolist() == [0, 128, 255]
    assert not grey(dicom(tmp_path / "b.dcm", np.zeros((16, 16), np.uint8))).any()


def test_a_voi_lut_comes_before_the_window(tmp_path):
    item = Dataset()
    item.LUTDescriptor = [256, 0, 8]
    item.add_new("LUTData", "US", list(range(255, -1, -1)))
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = dicom(tmp_path / "a.dcm", values, VOILUTSequence=Sequence([item]), WindowCenter=10, WindowWidth=5)
    assert np.array_equal(grey(path), 255 - values) and decode(path).window == "voi lut"
    assert decode(path, window=(10, 5)).window == "window 10 5"


def test_an_enhanced_file_keeps_rescale_and_window_in_its_frames(tmp_path):
    def group(centre):
        window, rescale, frame = Dataset(), Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = centre, 100
        rescale.RescaleSlope, rescale.RescaleIntercept = 1, -1000
        frame.FrameVOILUTSequence = Sequence([window])
        frame.PixelValueTransformationSequence = Sequence([rescale])
        return frame

    groups = Sequence([group(0), group(500)])
    path = dicom(tmp_path / "a.dcm", np.stack([RAMP, RAMP]), PerFrameFunctionalGroupsSequence=groups)
    assert [decode(path, frame).window for frame in (0, 1)] == ["window 0 100", "window 500 100"]
    assert np.array_equal(grey(path, 1) == 255, RAMP - 1000.0 >= 550 - 1)


def test_the_middle_frame_is_the_default(tmp_path):
    frames = np.stack([np.full((4, 4), level, np.uint8) for level in (0, 100, 255)])
    path = dicom(tmp_path / "a.dcm", frames, WindowCenter=128, WindowWidth=256)
    assert (decode(path).index, decode(path).frames) == (1, 3)
    assert grey(path).max() < grey(path, 2).min() == 255
    with pytest.raises(Reject, match="no frame 3; the file has frames 0 to 2"):
        decode(path, 3)


def test_colour_is_kept_and_wide_colour_is_narrowed(tmp_path):
    narrow = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert np.array_equal(grey(dicom(tmp_path / "8.dcm", narrow, "RGB")), narrow)
    assert np.array_equal(grey(dicom(tmp_path / "16.dcm", narrow.astype(np.uint16) << 8, "RGB")), narrow)


def test_ybr_becomes_rgb(tmp_path):
    red = np.broadcast_to(np.array([76, 85, 255], np.uint8), (4, 4, 3))  # BT.601
    found = grey(dicom(tmp_path / "a.dcm", np.ascontiguousarray(red), "YBR_FULL"))
    assert np.abs(found[0, 0] - [255, 0, 0]).max() <= 2


@pytest.mark.parametrize("depth, entry", [(8, 200), (16, 200 << 8)])
def test_a_palette_gives_its_colours(tmp_path, depth, entry):
    names = [f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")]
    header = {f"{name}Descriptor": [2, 0, depth] for name in names}
    kind = np.uint8 if depth == 8 else np.uint16
    header |= {f"{name}Data": np.array([0, entry if name.startswith("Green") else 0], kind).tobytes() for name in names}
    values = np.array([[0, 1], [1, 0]], np.uint8)
    found = grey(dicom(tmp_path / "a.dcm", values, "PALETTE COLOR", **header))
    assert found[0, 1].tolist() == [0, 200, 0] and not found[0, 0].any()


def test_real_files_of_one_image_give_one_image():
    names = (
        "MR_small.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm",
        "MR_small_RLE.dcm",
        "MR_small_padded.dcm",
    )
    images = [grey(get_testdata_file(name, download=False)) for name in names]
    assert all(np.array_equal(image, images[0]) for image in images[1:]) and np.unique(images[0]).size > 100


def test_a_number_of_frames_that_is_none_is_refused():
    with pytest.raises(Reject, match="its number of frames is none") as caught:
        decode(get_testdata_file("badVR.dcm", download=False))
    assert caught.value.reason == "undecodable_image"


@pytest.mark.parametrize("name", ["rtplan.dcm", "test-SR.dcm", "waveform_ecg.dcm"])
def test_real_files_without_pixels_say_so(name):
    with pytest.raises(Reject, match="without pixels") as caught:
        decode(get_testdata_file(name, download=False))
    assert caught.value.reason == "no_pixels"


def test_what_is_not_an_image_has_its_reason(tmp_path):
    whole = dicom(tmp_path / "whole.dcm", RAMP).read_bytes()
    files = {"page.dcm": b"<html>404</html>", "empty.dcm": b"", "half.dcm": whole[:-200], "head.dcm": whole[:150]}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    reasons = {}
    for name in [*files, "gone.dcm", "."]:
        with pytest.raises(Reject) as caught:
            decode(tmp_path / name)
        reasons[name] = caught.value.reason
    assert reasons.pop("gone.dcm") == "missing_image"
    assert reasons.pop("head.dcm") in ("undecodable_image", "no_pixels")
    assert set(reasons.values()) == {"undecodable_image"}


def test_the_bound_on_pixels_is_checked_before_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom_pixels, "pixel_array", lambda *_, **__: pytest.fail("decoded"))
    path = dicom(tmp_path / "a.dcm", RAMP, Rows=60000, Columns=60000)
    with pytest.raises(Reject) as caught:
        decode(path)
    assert caught.value.reason == "image_too_large"

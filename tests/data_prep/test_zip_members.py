"""Zip files member by member, against Python's own zipfile."""

import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.images.image_folder import ImageFolder
from data_prep.images.zip_members import ZipMembers
from data_prep.rows import Reject
from data_prep.tables.table import TableError

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


def zipped(path, files, method=DEFLATED, comment=b""):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.comment = comment
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def reject(path, name):
    with pytest.raises(Reject) as error:
        ImageFolder(path).read(name)
    assert str(path) in error.value.detail and name in error.value.detail
    return error.value.reason, error.value.detail


@given(
    st.dictionaries(st.text("ab/نعم🩻", min_size=1, max_size=6), st.binary(max_size=2000), max_size=5),
    st.sampled_from([STORED, DEFLATED]),
    st.binary(max_size=30).filter(lambda comment: b"PK" not in comment),
)
def test_any_archive_reads_as_zipfile_reads_it(tmp_path_factory, files, method, comment):
    path = zipped(tmp_path_factory.mktemp("zip") / "a.zip", files, method, comment)
    archive = ZipMembers(path)
    with zipfile.ZipFile(path) as wanted:
        infos = [info for info in wanted.infolist() if not info.is_dir()]
        assert list(archive.names()) == [info.filename for info in infos]
        for number, info in enumerate(infos):
            assert archive.name(number) == info.filename and archive.read(number) == wanted.read(info)


@given(st.binary(max_size=40), st.data())
def test_no_bytes_are_too_bad(tmp_path_factory, new, data):
    path = zipped(tmp_path_factory.mktemp("zip") / "a.zip", {"a.png": b"a" * 50, "b.png": b"b"})
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content)))
    content[at : at + len(new)] = new
    path.write_bytes(content)
    folder = ImageFolder(path)
    if not folder.problems("images"):
        for name in ("a.png", "b.png"):
            try:
                assert folder.read(name).data in (b"a" * 50, b"b")
            except Reject:
                continue


def test_bytes_in_front_of_the_archive(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": b"one"})
    path.write_bytes(b"PK!" + path.read_bytes())
    assert ImageFolder(path).read("a.png").data == b"one"


def test_an_archive_in_the_long_form(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    path = zipped(tmp_path / "a.zip", {"a.png": b"one" * 10, "b.png": b"two" * 20}, STORED)
    assert b"PK\x06\x06" in path.read_bytes()
    assert [ImageFolder(path).read(name).data for name in ("b.png", "a.png")] == [b"two" * 20, b"one" * 10]


@pytest.mark.parametrize(
    "written, read",
    [("صورة.png".encode(), "صورة.png"), ("é.png".encode("cp437"), "é.png"), (b"\xff\xff.png", "\u00a0\u00a0.png")],
)
def test_names_without_the_flag_for_utf_8(tmp_path, written, read):
    plain = "x" * len(written)
    path = zipped(tmp_path / "a.zip", {plain: b"one"})
    path.write_bytes(path.read_bytes().replace(plain.encode(), written))
    folder = ImageFolder(path)
    assert list(folder.names()) == [read] and folder.read(read).data == b"one"


def test_the_last_of_two_members_with_one_name_counts(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.png", b"old")
        archive.writestr("a.png", b"new")
    assert ImageFolder(tmp_path / "a.zip").read("a.png").data == b"new"


def patched(path, offset, form, value):
    """Write a value into the central directory's first record."""
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, data.index(b"PK\x01\x02") + offset, value)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "field, value, reason, says",
    [
        ((8, "<H"), 1, "undecodable_image", "encrypted"),
        ((10, "<H"), 99, "undecodable_image", "compression method 99"),
        ((16, "<L"), 1, "undecodable_image", "damaged"),
        ((20, "<L"), 5, "undecodable_image", "damaged"),
        ((24, "<L"), 10, "undecodable_image", "damaged"),
        ((24, "<L"), 3_000_000_000, "image_too_large", "3000000000 bytes, at most 1073741824"),
        ((42, "<L"), 7, "undecodable_image", "damaged"),
        ((42, "<L"), 9_999_999, "undecodable_image", "damaged"),
    ],
)
def test_a_member_that_cannot_be_read_is_rejected(tmp_path, field, value, reason, says):
    path = patched(zipped(tmp_path / "a.zip", {"a.png": b"one" * 50, "b.png": b"two"}), *field, value)
    found, detail = reject(path, "a.png")
    assert found == reason and says in detail
    assert ImageFolder(path).read("b.png").data == b"two"


def test_a_member_that_holds_more_than_it_claims_is_not_inflated(tmp_path):
    path = patched(zipped(tmp_path / "a.zip", {"a.png": bytes(50_000_000)}), 24, "<L", 100)
    tracemalloc.start()
    assert reject(path, "a.png")[0] == "undecodable_image"
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("cut", [slice(0, 60), slice(0, -1), slice(0, -30)])
def test_an_archive_that_is_cut_off_is_refused(tmp_path, cut):
    path = zipped(tmp_path / "a.zip", {"a.png": b"one" * 50})
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(TableError, match=r"a\.zip: not a complete zip file .*download it again"):
        ImageFolder(path).read("a.png")


def test_an_archive_without_its_beginning_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": b"one" * 50})
    path.write_bytes(b"PK" + path.read_bytes()[10:])
    with pytest.raises(TableError, match="its directory is not where it should be"):
        ImageFolder(path).read("a.png")


def test_a_damaged_directory_is_refused(tmp_path):
    path = patched(zipped(tmp_path / "a.zip", {"a.png": b"one", "b.png": b"two"}), 0, "<L", 7)
    with pytest.raises(TableError, match="its directory is damaged"):
        ImageFolder(path).read("a.png")


def test_the_last_part_of_several_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": b"one"})
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.rindex(b"PK\x05\x06") + 4, 3)
    path.write_bytes(data)
    with pytest.raises(TableError, match="one part of several"):
        ImageFolder(path).read("a.png")


def test_the_index_is_small(tmp_path):
    path = zipped(tmp_path / "a.zip", {f"subfigures/PMC{number}_Fig1_1.jpg": b"" for number in range(5_000)}, STORED)
    tracemalloc.start()
    folder = ImageFolder(path)
    assert folder.read("PMC4999_Fig1_1.jpg").data == b""
    assert tracemalloc.get_traced_memory()[0] < 40 * 5_000
    tracemalloc.stop()

"""Images by name: in a folder, a zip file and a tar file."""

import os
import pickle
import tarfile
import unicodedata
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.images import members
from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Reject
from data_prep.tables.table import TableError

FILES = {
    "xmlab1/source.jpg": b"one",
    "xmlab2/source.jpg": b"two",
    "xmlab2/question.json": b"{}",
    "صورة الصدر 1.png": b"three",
    "a b/c d.jpg": b"four",
    "empty.png": b"",
}
KINDS = ("folder", "zip", "tar")


def make(path, files=FILES, prefix=""):
    """A folder, or by its suffix an archive, that holds the files."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(prefix + name, data)
        return ImageFolder(path)
    folder = (path.with_suffix("") if path.suffix == ".tar" else path) / prefix
    folder.mkdir(parents=True)
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    if path.suffix == ".tar":
        with tarfile.open(path, "w") as archive:
            archive.add(path.with_suffix(""), arcname=".")
    return ImageFolder(path)


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    return tmp_path / (f"images.{request.param}" if request.param != "folder" else "images")


def reason(folder, name):
    with pytest.raises(Reject) as error:
        folder.read(name)
    return error.value.reason, error.value.detail


def test_files_are_read_by_their_names(kind):
    folder = make(kind)
    assert folder.problems("images") == []
    assert list(folder.names()) == sorted(FILES)
    assert {name: folder.read(name).data for name in FILES} == FILES
    assert folder.read("./empty.png").data == b"" == folder.read("empty.png").data


@given(st.dictionaries(st.text("ab نعم🩻.", min_size=1, max_size=6).filter(lambda name: name.strip(". ")), st.binary()))
def test_any_files_are_read_by_their_names(tmp_path_factory, files):
    for kind in KINDS[1:]:
        folder = make(tmp_path_factory.mktemp("any") / f"images.{kind}", files)
        assert {name: folder.read(name).data for name in folder.names()} == files


@pytest.mark.parametrize("prefix", ["", "imgs/", "a/imgs/"])
def test_folders_in_front_of_a_name_may_be_more_or_fewer(kind, prefix):
    folder = make(kind, prefix=prefix)
    assert folder.read("xmlab2/source.jpg").data == b"two"
    assert folder.read("b/a/imgs/xmlab2/source.jpg").data == b"two"
    assert folder.read("c d.jpg").data == b"four"
    assert folder.read("imgs\\a b\\c d.jpg").data == b"four"


@pytest.mark.parametrize(
    "name, says",
    [
        ("gone.jpg", "no such file"),
        ("xmlab3/source.jpg", "no such file"),
        ("urce.jpg", "no such file"),
        ("lab1/source.jpg", "no such file"),
        ("source.jpg", "may be xmlab1/source.jpg or xmlab2/source.jpg"),
        ("", "no such file"),
        (".", "no such file"),
        ("xmlab1", "no such file"),
        ("xmlab1/", "no such file"),
        ("a\0b.jpg", "no such file"),
        ("x" * 9000, "no such file"),
        ("../images/empty.png", "leads out of"),
        ("xmlab1/../empty.png", "leads out of"),
        ("..\\empty.png", "leads out of"),
        ("/etc/hostname", "leads out of"),
    ],
)
def test_a_name_that_stands_for_no_file_is_rejected(kind, name, says):
    folder = make(kind)
    found, detail = reason(folder, name)
    assert found == "missing_image" and says in detail and str(kind) in detail and name in detail


def test_two_folders_with_a_file_of_one_name_are_two_images(kind):
    folder = make(kind, {"xmlab1/source.jpg": b"one"})
    assert "no such file" in reason(folder, "xmlab2/source.jpg")[1]


def test_the_name_as_it_is_written_comes_first(kind):
    folder = make(kind, {"x.jpg": b"one", "a/x.jpg": b"two", "b/a/x.jpg": b"three"})
    assert [folder.read(name).data for name in ("x.jpg", "a/x.jpg", "b/a/x.jpg")] == [b"one", b"two", b"three"]


def test_composed_and_decomposed_letters_are_the_same(kind):
    composed = "أشعة é.png"
    folder = make(kind, {unicodedata.normalize("NFD", composed): b"one"})
    assert folder.read(composed).data == b"one"


def test_links_to_files_are_followed_wherever_they_lead(tmp_path):
    """As DVC, git-annex and link farms make them."""
    folder = make(tmp_path / "images")
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects/f5").write_bytes(b"out")
    (folder.path / "out.png").symlink_to(tmp_path / "objects/f5")
    (folder.path / "xmlab2/linked.png").symlink_to("../../objects/f5")
    (folder.path / "in.png").symlink_to("empty.png")
    (folder.path / "twice.png").symlink_to("out.png")
    assert [folder.read(name).data for name in ("out.png", "xmlab2/linked.png", "in.png")] == [b"out", b"out", b""]
    assert folder.read("twice.png").data == folder.read("imgs/xmlab2/linked.png").data == b"out"
    assert (
        set(folder.names()) == {*FILES, "out.png", "xmlab2/linked.png", "in.png", "twice.png"} == folder.inputs().keys()
    )
    assert folder.inputs()["out.png"] == 3
    (tmp_path / "link").symlink_to(folder.path)
    assert ImageFolder(tmp_path / "link").read("empty.png").data == b""


@pytest.mark.parametrize("name", ["up/secret.png", "images/up/secret.png", "p10/up/deep/secret.png"])
def test_a_link_to_a_folder_is_not_searched_and_is_named(tmp_path, name):
    folder = make(tmp_path / "images")
    (tmp_path / "other/deep").mkdir(parents=True)
    for inner in ("", "deep/"):
        (tmp_path / f"other/{inner}secret.png").write_bytes(b"secret")
    (folder.path / "p10").mkdir()
    for inner in ("", "p10/"):
        (folder.path / f"{inner}up").symlink_to(tmp_path / "other")
    found, detail = reason(folder, name)
    assert found == "missing_image" and "not searched" in detail and name in detail
    link = "p10/up" if "p10" in name else "up"
    assert f"{link} is a link to a folder, {tmp_path}/other, " in detail or detail.endswith("not searched: p10/up, up")
    assert set(folder.names()) == FILES.keys()


def test_a_link_to_a_folder_inside_leads_to_the_names_in_it(tmp_path):
    folder = make(tmp_path / "images")
    (folder.path / "same").symlink_to("xmlab1")
    assert folder.read("same/source.jpg").data == b"one"
    assert set(folder.names()) == FILES.keys()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("../.git/annex/objects/XQ/SHA256E-s3.png", "git annex get"),
        ("/mnt/cache/files/md5/a2/b3", "git annex get, dvc pull"),
        ("loop.png", "dvc pull"),
    ],
)
@pytest.mark.parametrize("name", ["loop.png", "imgs/loop.png"])
def test_a_link_whose_target_is_not_there_is_named(tmp_path, target, says, name):
    folder = make(tmp_path / "images")
    (folder.path / "loop.png").symlink_to(target)
    found, detail = reason(folder, name)
    assert found == "missing_image" and f"a link to {target}, which is not there" in detail and says in detail
    assert folder.inputs()["loop.png"] == "a link to nothing"


@pytest.mark.parametrize(
    "content, says",
    [(b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"), (b"/annex/objects/SHA256E-s3", "annex get")],
)
def test_a_pointer_is_no_image_and_no_archive(tmp_path, content, says):
    folder = make(tmp_path / "images", {"a.png": content})
    found, detail = reason(folder, "a.png")
    assert found == "missing_image" and says in detail and "a.png" in detail
    (tmp_path / "images.zip").write_bytes(content)
    (problem,) = ImageFolder(tmp_path / "images.zip").problems("path")
    assert problem.startswith(f"path: {tmp_path}/images.zip: ") and says in problem


def test_an_archive_that_is_a_link(tmp_path):
    make(tmp_path / "real.zip")
    (tmp_path / "images.zip").symlink_to("real.zip")
    assert ImageFolder(tmp_path / "images.zip").read("empty.png").data == b""
    (tmp_path / "real.zip").unlink()
    (problem,) = ImageFolder(tmp_path / "images.zip").problems("path")
    assert "images.zip: a link to real.zip, which is not there" in problem


def test_what_is_no_plain_file_is_not_read(tmp_path):
    folder = make(tmp_path / "images")
    os.mkfifo(folder.path / "pipe.png")
    assert "no such file" in reason(folder, "pipe.png")[1]


@pytest.mark.parametrize("name", ["../up.png", "/etc/up.png", "a/../../up.png"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_that_climb_out_are_not_found(tmp_path, kind, name):
    path = tmp_path / f"images.{kind}"
    if kind == "zip":
        make(path, {name: b"up", "ok.png": b"ok"})
    else:
        with tarfile.open(path, "w") as archive:
            for member in (name, "ok.png"):
                archive.addfile(tarfile.TarInfo(member))
    folder = ImageFolder(path)
    assert list(folder.names()) == ["ok.png"]
    assert reason(folder, name)[0] == reason(folder, "up.png")[0] == "missing_image"
    assert list(tmp_path.iterdir()) == [path]


def test_links_in_a_tar_file_are_no_files(tmp_path):
    link = tarfile.TarInfo("link.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    with tarfile.open(tmp_path / "images.tar", "w") as archive:
        archive.addfile(link)
    assert list(ImageFolder(tmp_path / "images.tar").names()) == []


def test_a_file_that_is_too_large_is_rejected(kind, monkeypatch):
    folder = make(kind, {"a.png": bytes(2000)})
    monkeypatch.setattr(members, "MAX_BYTES", 1000)
    found, detail = reason(folder, "a.png")
    assert found == "image_too_large" and "a.png" in detail and "2000 bytes, at most 1000" in detail


def test_a_file_that_may_not_be_read_is_rejected(tmp_path, monkeypatch):
    folder = make(tmp_path / "images")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.open", refuse)
        assert "Permission denied" in reason(folder, "empty.png")[1]


def test_inputs_change_with_a_file(kind):
    stamps = []
    for number, files in enumerate((FILES, FILES, {**FILES, "empty.png": b"!"})):
        there = kind.parent / str(number)
        there.mkdir()
        stamps.append(make(there / kind.name, files).inputs())
    assert stamps[0] == stamps[1] != stamps[2]
    assert stamps[0].keys() == ({kind.name} if kind.suffix else FILES.keys())


def test_it_works_in_other_processes(kind):
    folder = make(kind)
    folder.read("c d.jpg")
    for method in ("fork", "spawn"):
        with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
            assert [loaded.data for loaded in pool.map(folder.read, [*FILES] * 20)] == [*FILES.values()] * 20
    assert pickle.loads(pickle.dumps(folder)).read("c d.jpg").data == b"four"


@pytest.mark.parametrize(
    "data, says",
    [
        (None, "there is no such folder or archive"),
        (b"\x1f\x8b\x08", "tar -xzf"),
        (b"PK\x03\x04" + bytes(50), "not a complete zip file"),
        (b"", "not a complete zip or tar file"),
        (b"<html>404", "not a complete zip or tar file"),
    ],
)
def test_a_path_that_is_no_archive_is_a_problem(tmp_path, data, says):
    path = tmp_path / "images.zip"
    if data is not None:
        path.write_bytes(data)
    (problem,) = ImageFolder(path).problems("images")
    assert problem.startswith(f"images: {path}: ") and says in problem
    with pytest.raises(TableError, match=says):
        ImageFolder(path).read("a.png")


def test_a_tar_file_that_is_cut_off_is_a_problem(tmp_path):
    path = make(tmp_path / "images.tar", {"a.png": bytes(20_000)}).path
    path.write_bytes(path.read_bytes()[:10_000])
    (problem,) = ImageFolder(path).problems("images")
    assert "images.tar: not a complete zip or tar file" in problem and "download it again" in problem


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "in/" + "x" * 300 + ".png", "in/\0.png"])
def test_names_that_no_file_can_have_are_missing(tmp_path, name):
    """Before a file of the folder was read, and after."""
    (tmp_path / "in").mkdir()
    for path in ("a.png", "in/a.png"):
        (tmp_path / path).write_bytes(b"a")
    folder = ImageFolder(tmp_path)
    for _ in range(2):
        with pytest.raises(Reject, match="missing_image"):
            folder.read(name)
        assert folder.read("in/a.png").data == folder.read("./a.png").data == b"a"


def test_a_link_to_a_folder_beside_a_file_that_was_read_is_not_searched(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/secret.png").write_bytes(b"secret")
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").write_bytes(b"a")
    folder = ImageFolder(tmp_path / "images")
    assert folder.read("a.png").data == b"a"
    (tmp_path / "images/up").symlink_to(tmp_path / "other")
    with pytest.raises(Reject, match="not searched"):
        folder.read("up/secret.png")


def two_places(tmp_path):
    """A half-unpacked folder, one of whose files differs, beside its archive."""
    unpacked = make(tmp_path / "images", {"xmlab1/source.jpg": b"mine", "own.png": b"own"})
    archive = make(tmp_path / "images.zip", prefix="imgs/")
    return ImageFolder(unpacked.path, archive.path)


def test_a_name_is_read_from_the_first_place_that_has_it(tmp_path):
    folder = two_places(tmp_path)
    expected = {**FILES, "xmlab1/source.jpg": b"mine", "own.png": b"own"}
    assert {name: folder.read(name).data for name in expected} == expected
    assert set(folder.names()) == {*(f"imgs/{name}" for name in FILES), "xmlab1/source.jpg", "own.png"}
    assert all(folder.has(name) for name in expected) and not folder.has("gone.jpg")
    detail = reason(folder, "gone.jpg")[1]
    assert f"no such file in {tmp_path}/images;" in detail and f"no such file in {tmp_path}/images.zip" in detail
    assert "leads out" in reason(folder, "../own.png")[1] and not folder.has("../own.png")


def test_which_of_two_places_is_read_first_is_said(tmp_path):
    (note,) = two_places(tmp_path).notes()
    assert note == f"{tmp_path}/images is read first; what it lacks is read from {tmp_path}/images.zip"
    assert ImageFolder(tmp_path / "images").notes() == []


def test_inputs_change_with_each_of_two_places(tmp_path):
    before = two_places(tmp_path).inputs()
    assert before.keys() == {"xmlab1/source.jpg", "own.png", "images.zip"}
    (tmp_path / "images.zip").unlink()
    make(tmp_path / "images.zip", {**FILES, "empty.png": b"!"}, prefix="imgs/")
    after = pickle.loads(pickle.dumps(ImageFolder(tmp_path / "images", tmp_path / "images.zip"))).inputs()
    assert [key for key in before if before[key] != after[key]] == ["images.zip"]


def test_an_archive_is_not_opened_for_what_the_folder_has(tmp_path):
    folder = two_places(tmp_path)
    (tmp_path / "images.zip").write_bytes(b"PK damaged since")
    assert folder.read("own.png").data == b"own"
    with pytest.raises(TableError, match=r"images\.zip: not a complete zip file"):
        folder.read("empty.png")


def test_a_damaged_archive_beside_a_folder_is_a_problem(tmp_path):
    folder = two_places(tmp_path)
    assert folder.problems("path") == []
    (tmp_path / "images.zip").write_bytes(b"PK\x03\x04" + bytes(50))
    (problem,) = ImageFolder(*folder.paths).problems("path")
    assert "images.zip: not a complete zip file" in problem
    assert problem.endswith(f"or move it away: {tmp_path}/images is there too")


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.sampled_from(["first", "second", "both"])))
def test_any_files_are_read_from_two_places(tmp_path_factory, places):
    root = tmp_path_factory.mktemp("two")
    for place in ("first", "second"):
        make(
            root / f"{place}.zip", {name: place.encode() for name, where in places.items() if where in (place, "both")}
        )
    folder = ImageFolder(root / "first.zip", root / "second.zip")
    expected = {name: b"second" if where == "second" else b"first" for name, where in places.items()}
    assert {name: folder.read(name).data for name in folder.names()} == expected

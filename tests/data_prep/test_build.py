"""Building a folder: complete or not there, the same bytes twice, nothing done twice."""

import errno
import json
import os
from pathlib import Path

import pytest

from data_prep import assemble, manifest, mixture_file
from data_prep.__main__ import main
from data_prep.build import BuildError, build
from data_prep.check import check
from data_prep.mixture import Entry, Mixture
from data_prep.sources.messages import Messages
from tests.helpers.data_fixtures import built, encoded, llava_mixture, llava_row, random_image

ROWS = [llava_row("one"), llava_row("two", image="b.png"), llava_row("bad", answer="")]


@pytest.fixture
def tiny(tmp_path):
    return llava_mixture(tmp_path, ROWS)


def files(folder: Path):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def nothing_left(out: Path):
    return not out.exists() and not list(out.parent.glob(f".{out.name}.partial*"))


def test_the_same_inputs_give_the_same_bytes(tiny, tmp_path):
    for name in ("1", "2"):
        build(mixture_file.load(tiny), tmp_path / name, "test")
    assert files(tmp_path / "1") == files(tmp_path / "2")
    assert files(tmp_path / "1").keys() == {
        "README.md",
        "conflicts.jsonl",
        "images.jsonl",
        "images/images-00000.arrow",
        "ledger.jsonl",
        "manifest.json",
        "train-00000-of-00001.parquet",
    }


def test_a_second_run_does_nothing_and_says_so(tiny, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    arguments = ["build", str(tiny), "--out", str(out)]
    assert main(arguments) == 0
    assert "2 rows (train 2), 2 images; left out (ledger.jsonl): empty_answer 1" in capsys.readouterr().out
    before = files(out)
    monkeypatch.setattr(Messages, "sample", lambda *_: pytest.fail("read again"))
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == [f"{out}: already built from these inputs, nothing to do"]
    assert files(out) == before


def change_table(folder, out):
    (folder / "table.json").write_text(json.dumps(ROWS[:1]))


def change_image(folder, out):
    (folder / "images/b.png").write_bytes(encoded(random_image(9, size=(30, 30))))


def change_mixture(folder, out):
    with (folder / "tiny.yml").open("a") as file:
        file.write("seed: 5\n")


def lose_ledger(folder, out):
    (out / "ledger.jsonl").unlink()


def lose_shard(folder, out):
    next(out.glob("*.parquet")).unlink()


def cut_store(folder, out):
    store = out / "images/images-00000.arrow"
    store.write_bytes(store.read_bytes()[:-50])


@pytest.mark.parametrize("change", [change_table, change_image, change_mixture, lose_ledger, lose_shard, cut_store])
def test_changed_inputs_and_a_half_written_folder_are_built_again(tiny, tmp_path, change):
    out = tmp_path / "out"
    build(mixture_file.load(tiny), out, "test")
    change(tmp_path, out)
    made = build(mixture_file.load(tiny), out, "test")
    assert made is not None and manifest.read(out) == made == check(out)
    assert build(mixture_file.load(tiny), out, "test") is None


@pytest.mark.parametrize("where", ["shard", "image", "manifest"])
def test_a_full_disk_leaves_nothing_and_says_so(tiny, tmp_path, monkeypatch, where, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    targets = {
        "shard": ("data_prep.pipeline.write_shards.write_table", full),
        "image": ("data_prep.pipeline.write_store._chosen", full),
        "manifest": ("data_prep.manifest.write", full),
    }
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(*targets[where])
        assert main(["build", str(tiny), "--out", str(out)]) == 1
    message = capsys.readouterr().err
    assert str(out) in message and "disk is full" in message and len(message.splitlines()) == 1
    assert nothing_left(out)
    assert main(["build", str(tiny), "--out", str(out)]) == 0


@pytest.mark.parametrize("where", ["/proc/data/set", "/sys/set"])
def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(tiny, monkeypatch, where, capsys):
    """Two folders that take no file, not even from root."""
    monkeypatch.setattr(Messages, "sample", lambda *_: pytest.fail("read"))
    assert main(["build", str(tiny), "--out", where]) == 1
    message = capsys.readouterr().err
    assert where in message and "cannot be written" in message and len(message.splitlines()) == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError, PermissionError])
def test_an_interrupted_rebuild_leaves_the_old_set_whole(tiny, tmp_path, monkeypatch, stop):
    out = tmp_path / "out"
    build(mixture_file.load(tiny), out, "test")
    before = files(out)
    change_mixture(tmp_path, out)

    def stopped(*_):
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr("data_prep.pipeline.write_shards.write_table", stopped)
        with pytest.raises(stop):
            build(mixture_file.load(tiny), out, "test")
    assert files(out) == before and not (tmp_path / ".out.partial").exists()


def test_what_a_killed_build_left_is_cleared(tiny, tmp_path):
    (tmp_path / ".out.partial/images").mkdir(parents=True)
    (tmp_path / ".out.partial/train-00000.partial").write_bytes(b"half")
    build(mixture_file.load(tiny), tmp_path / "out", "test")
    assert not (tmp_path / ".out.partial").exists() and "train-00000.partial" not in files(tmp_path / "out")


def test_a_folder_of_another_kind_is_never_replaced(tiny, tmp_path):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter.tex").write_text("years of work")
    with pytest.raises(BuildError, match=r"thesis: holds chapter\.tex, which no build wrote"):
        build(mixture_file.load(tiny), out, "test")
    assert files(out) == {"chapter.tex": b"years of work"}
    (out / "chapter.tex").rename(out / "train-00000-of-00001.parquet")  # as a download from the Hub is named
    with pytest.raises(BuildError, match="which no build wrote"):
        build(mixture_file.load(tiny), out, "test")
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="not a folder"):
        build(mixture_file.load(tiny), tmp_path / "file", "test")


def test_a_file_that_somebody_put_beside_the_images_is_never_removed(tiny, tmp_path):
    out = tmp_path / "out"
    build(mixture_file.load(tiny), out, "test")
    (out / "images/mine.png").write_bytes(b"mine")
    change_mixture(tmp_path, out)
    with pytest.raises(BuildError, match=r"holds images/mine\.png, which no build wrote"):
        build(mixture_file.load(tiny), out, "test")
    (out / "images/mine.png").unlink()
    assert build(mixture_file.load(tiny), out, "test")


def test_a_set_of_another_version_is_replaced(tiny, tmp_path):
    made = build(mixture_file.load(tiny), tmp_path / "out", "test")
    (tmp_path / "out/manifest.json").write_text(json.dumps(made | {"format": 1}))
    assert build(mixture_file.load(tiny), tmp_path / "out", "test") == made


def test_what_a_build_leaves_that_is_killed_at_its_end_is_cleared_by_the_next(tiny, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("data_prep.build.shutil.rmtree", lambda *_, **__: None)
        build(mixture_file.load(tiny), out, "test")
    (tmp_path / ".out.old").mkdir()
    assert (tmp_path / ".out.build").exists()
    assert build(mixture_file.load(tiny), out, "test") is None
    assert not (tmp_path / ".out.build").exists() and not (tmp_path / ".out.old").exists()


def test_a_file_name_that_is_not_utf_8_and_a_closed_folder_stop_nothing(tmp_path, monkeypatch):
    """Names from an archive made in another code page; lost+found of a disk."""
    path = llava_mixture(tmp_path, ROWS)
    (tmp_path / "images" / os.fsdecode(b"bad\xff.png")).write_bytes(b"")
    (tmp_path / "images/closed").mkdir()
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("data_prep.images.members.os.scandir", refuse)
    assert set(built(path, tmp_path / "out")[1]) == {"one", "two"}


@pytest.mark.parametrize("data", [b'[{"id": "1", "image"', b"[", json.dumps(ROWS).encode()[:-1]])
def test_a_list_that_is_cut_off_is_an_error_that_names_the_file(tmp_path, data, capsys):
    out = tmp_path / "out"
    assert main(["build", str(llava_mixture(tmp_path, data)), "--out", str(out)]) == 1
    message = capsys.readouterr().err
    assert "table.json: not a complete JSON list" in message and "download or export it again" in message
    assert nothing_left(out)


@pytest.mark.parametrize(
    "data, why", [(b"", "an empty file; download it again"), (b"<html>404</html>", "a web page instead of the file")]
)
def test_a_file_without_rows_is_an_error(tmp_path, data, why):
    with pytest.raises(BuildError, match=why):
        build(mixture_file.load(llava_mixture(tmp_path, data)), tmp_path / "out", "test")
    assert nothing_left(tmp_path / "out")


@pytest.mark.parametrize("data, reason", [(b"<html>", "undecodable_image"), (b"", "undecodable_image")])
def test_every_reason_of_an_image_reaches_the_ledger_whole(tmp_path, data, reason):
    path = llava_mixture(tmp_path, [llava_row("one"), llava_row("two", "bad.png")])
    (tmp_path / "images/bad.png").write_bytes(data)
    assert built(path, tmp_path / "out")[2]["two"]["reason"] == reason


def test_a_list_without_rows_is_an_error(tmp_path):
    with pytest.raises(BuildError, match="tiny: the sources hold no row"):
        build(mixture_file.load(llava_mixture(tmp_path, [])), tmp_path / "out", "test")
    assert nothing_left(tmp_path / "out")


def test_a_set_of_which_no_row_is_left_is_an_error(tmp_path):
    path = llava_mixture(tmp_path, [llava_row(answer=""), llava_row("two", image="gone.png")])
    with pytest.raises(BuildError, match="none of 2 rows was written: empty_answer 1, missing_image 1"):
        build(mixture_file.load(path), tmp_path / "out", "test")
    assert nothing_left(tmp_path / "out")


def test_the_ledger_of_a_build_without_a_row_stays_and_is_shown(tmp_path, capsys):
    given = [llava_row(str(number), image="gone.png") for number in range(6)] + [llava_row("bad", answer="")]
    path, out, kept = llava_mixture(tmp_path, given), tmp_path / "out", tmp_path / "out.ledger.jsonl"
    assert main(["build", str(path), "--out", str(out)]) == 1
    head, *shown, last = capsys.readouterr().err.splitlines()
    entries = [json.loads(line) for line in kept.read_text().splitlines()]
    assert "none of 7 rows was written" in head and "missing_image 6" in head and "empty_answer 1" in head
    assert [line.split(": ")[:2] for line in shown] == [[f"  {entry['reason']}", entry["id"]] for entry in entries[:5]]
    assert str(kept) in last and len(entries) == 7 and nothing_left(out)
    (tmp_path / "table.json").write_text(json.dumps(ROWS))
    assert main(["build", str(path), "--out", str(out)]) == 0
    assert not kept.exists()


def test_a_kept_ledger_goes_when_the_dataset_is_there_already(tiny, tmp_path):
    out = tmp_path / "out"
    build(mixture_file.load(tiny), out, "test")
    (tmp_path / "out.ledger.jsonl").write_text("{}")
    assert build(mixture_file.load(tiny), out, "test") is None
    assert not (tmp_path / "out.ledger.jsonl").exists()


def test_a_lost_row_stops_the_manifest(tmp_path):
    with pytest.raises(manifest.ManifestError, match="1 of 3 rows are neither written nor in the ledger"):
        manifest.write(tmp_path, {"read": 3, "repeated": 0, "written": 1, "ledger": {"duplicate": 1}})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("checks", [True, False])
def test_a_lone_surrogate_costs_its_row_alone(tmp_path, checks):
    bad = {"images": {"image": "\ud800.png"}, "parent": {"parent": "a\udfff"}, "messages": {"answer": "a sc\ud800n"}}
    given = [llava_row("good"), *(llava_row(name, **change) for name, change in bad.items()), llava_row("i\ud800d")]
    made, rows, left_out = built(llava_mixture(tmp_path, given, checks=checks), tmp_path / "out")
    assert set(rows) == {"good"} and made["ledger"] == {"broken_text": 4}
    for name, place in {"images": "images", "parent": "parent", "i\ud800d": "id"}.items():
        assert left_out[name]["detail"] == f"{place}: a lone surrogate"
    assert "a lone surrogate" in left_out["messages"]["detail"]


@pytest.mark.parametrize("block", [1, 3])
def test_how_many_rows_are_searched_at_once_changes_no_byte(tmp_path, monkeypatch, block):
    rows = [llava_row(str(n), answer=("a scan", "", "I'm sorry, but I cannot view images.")[n % 3]) for n in range(7)]
    rows[4]["conversations"][1]["value"] = "\ud800"
    path = llava_mixture(tmp_path, rows, checks=block == 1)
    built(path, tmp_path / "whole")
    monkeypatch.setattr("data_prep.pipeline.read_rows._BLOCK", block)
    built(path, tmp_path / "out")
    for name in ("ledger.jsonl", "train-00000-of-00001.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_one_image_under_two_names_is_stored_once(tmp_path):
    rows = [
        llava_row("one"),
        llava_row("two", "b.png", "<image>\nWhere?"),
        llava_row("three", question="<image>\nWhy?"),
    ]
    path = llava_mixture(tmp_path, rows)
    (tmp_path / "images/b.png").write_bytes((tmp_path / "images/a.png").read_bytes())
    made, rows, _ = built(path, tmp_path / "out")
    assert [entry["images"] for entry in made["images"].values()] == [1]
    assert rows["one"]["images"] == rows["two"]["images"] == rows["three"]["images"]


def test_two_sources_may_use_one_image_name_for_two_images(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    sources = []
    for name in ("1", "2"):
        path = llava_mixture(tmp_path / name, [llava_row(name)])
        sources += mixture_file.load(path).sources
    (tmp_path / "2/images/a.png").write_bytes(encoded(random_image(7)))
    made = build(Mixture(name="two", sources=sources, entries=[Entry(), Entry()]), tmp_path / "out", "test")
    assert [entry["images"] for entry in made["images"].values()] == [2]


def test_bounds_and_splits_of_the_mixture_are_kept(tmp_path):
    path = llava_mixture(
        tmp_path,
        [*ROWS[:2], llava_row("t-1", question="<image>\nWhere?")],
        max_side=12,
        splits={"test": {"ids": ["t-*"]}},
    )
    made, rows, _ = built(path, tmp_path / "out")
    assert made["counts"]["split"] == {"test": 1, "train": 2}
    assert made["images_max_side"] == 12
    described = [json.loads(line) for line in (tmp_path / "out/images.jsonl").read_text().splitlines()]
    assert [(entry["name"], entry["width"], entry["resized"]) for entry in described] == [
        ("a.png", 12, True),
        ("b.png", 12, True),
    ]
    assert described[0]["key"] == rows["one"]["images"][0]


def test_a_bound_on_pixels_puts_the_row_in_the_ledger(tmp_path):
    path = llava_mixture(tmp_path, [llava_row("none", image=None, question="Why?"), llava_row("big")], max_pixels=100)
    assert built(path, tmp_path / "out")[2]["big"]["reason"] == "image_too_large"


@pytest.mark.parametrize("checks", [True, False])
def test_a_text_of_30_megabytes_is_too_long_and_the_rows_after_it_are_read(tmp_path, checks):
    long = json.dumps(llava_row("long", answer="A scan. " * (30 << 17))) + "\n"
    path = llava_mixture(tmp_path, (long + json.dumps(llava_row("two")) + "\n").encode(), checks=checks)
    _, rows, left_out = built(path, tmp_path / "out")
    assert set(rows) == {"two"} and left_out["long"]["reason"] == "too_long"
    assert "at most 200000; the bound is `max_characters`" in left_out["long"]["detail"]


def test_a_bound_on_characters_is_of_all_turns_together(tmp_path):
    given = [llava_row("12", None, "123456", "123456"), llava_row("13", None, "1234567", "654321")]
    _, rows, left_out = built(llava_mixture(tmp_path, given, max_characters=12), tmp_path / "out")
    assert set(rows) == {"12"} and left_out["13"]["detail"].startswith("13 characters of text, at most 12;")


def test_datasets_reads_the_shards_by_the_card(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    path = llava_mixture(
        tmp_path, [*ROWS, llava_row("t-1", question="<image>\nWhere?")], splits={"held_out": {"ids": ["t-*"]}}
    )
    made, rows, _ = built(path, tmp_path / "out")
    train = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert {row["id"].removeprefix("messages-"): row for row in train} == {name: rows[name] for name in ("one", "two")}
    assert train.num_rows == made["counts"]["split"]["train"]
    held_out = datasets.load_dataset(str(tmp_path / "out"), split="held_out", cache_dir=str(tmp_path / "cache"))
    assert held_out["id"] == ["messages-t-1"]


def test_nothing_depends_on_the_clock_or_the_folder(tiny, tmp_path):
    build(mixture_file.load(tiny), tmp_path / "out", "test")
    made = (tmp_path / "out/manifest.json").read_text() + (tmp_path / "out/README.md").read_text()
    assert str(tmp_path) not in made
    assert assemble.IMAGE_LIST in made

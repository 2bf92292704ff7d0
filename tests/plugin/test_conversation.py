"""The prepared set: every row is in it or in its ledger, and its folder is keyed by what decides its content."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bimedix2_plugin import conversation
from bimedix2_plugin.data import rendering
from bimedix2_plugin.data.prepared_set import prepared_path
from bimedix2_plugin.data.rendering import IGNORED
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model import chat_template
from tests.helpers import runs

SHARD = "train-00000-of-00002.parquet"


def _change(folder, change):
    """Rewrite the first shard's rows, and the manifest as a rebuilt set would have it."""
    table = pq.read_table(folder / "data" / SHARD)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), folder / "data" / SHARD)
    manifest = folder / "data" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["shards"][SHARD]["sha256"] = "rebuilt"
    manifest.write_text(json.dumps(content))


def _ledger(cfg):
    file = Path(cfg.dataset_prepared_path) / "ledger.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _spoil(rows):
    rows[0]["messages"][1]["content"][0]["text"] = "   "
    rows[1]["messages"][0]["content"][-1]["text"] += " word" * 600
    rows[2]["images"] = rows[2]["images"][:1]
    rows[3]["images"] = ["0" * 64]
    rows[4]["messages"][0]["role"] = "tool"


@pytest.mark.parametrize("workers", [1, 2])
def test_read_is_written_plus_ledger(work, workers):
    _change(work, _spoil)
    cfg = runs.configuration(dataset_num_proc=workers)
    kept = runs.datasets(cfg).train_dataset
    ledger = _ledger(cfg)
    assert {entry["id"]: entry["reason"] for entry in ledger} == {
        "train-0": "no_label",
        "train-1": "too_long",
        "train-2": "image_count",
        "train-3": "missing_image",
        "train-4": "unknown_role",
    }
    assert len(kept) + len(ledger) == 24
    assert set(kept["id"]) | {entry["id"] for entry in ledger} == {f"train-{number}" for number in range(24)}
    assert all(any(label != IGNORED for label in row["labels"]) for row in kept)
    assert all(0 < len(row["input_ids"]) <= cfg.sequence_len for row in kept)


def test_ledger_is_not_written_twice(work):
    _change(work, _spoil)
    for _ in range(2):
        cfg = runs.configuration(is_preprocess=True)
        runs.datasets(cfg)
    assert len(_ledger(cfg)) == 5


def test_no_row_left_is_an_error(work):
    with pytest.raises(RecipeError, match=r"no row is left of 24.*ledger.jsonl"):
        runs.datasets(runs.configuration(sequence_len=16))


def test_rows_hold_references_never_pixels(workshop):
    rows = runs.datasets(runs.configuration()).train_dataset
    assert {"id", "language", "images", "store", "input_ids", "labels"} <= set(rows.column_names)
    assert not {"pixel_values", "bytes"} & set(rows.column_names)


def _path(**changes):
    return runs.configuration(**changes).dataset_prepared_path


def test_another_tower_is_another_prepared_set(workshop):
    """The stock key knows no tower: a set made for 4 tokens an image would serve a tower of 16."""
    first, second = runs.configuration(), runs.configuration(vision_tower="./dino")
    assert first.dataset_prepared_path != second.dataset_prepared_path
    lengths = [len(_image_row(runs.datasets(cfg).train_dataset)["input_ids"]) for cfg in (first, second)]
    assert lengths[1] - lengths[0] == 16 - 4


def _image_row(dataset):
    return next(row for row in dataset if len(row["images"]) == 1)


def test_what_decides_the_ids_decides_the_folder(work):
    before = _path()
    assert _path() == before
    assert _path(learning_rate=5e-4, projector={"learning_rate": 1e-2}) == before
    changes = [
        {"system": "Other."},
        {"chat_template": "chatml"},
        {"sequence_len": 400},
        {"stage": "align", "adapter": None},
    ]
    assert len({before, *(_path(**change) for change in changes)}) == 5
    _change(work, lambda rows: None)
    assert _path() != before


def test_code_that_decides_the_ids_decides_the_folder(work, tmp_path, monkeypatch):
    """Whichever folder a module is in: one that moves must not drop out of the key in silence."""
    cfg = runs.configuration()
    folder, deciding = Path(cfg.tokenizer_config), (rendering, conversation, chat_template)
    seen = {prepared_path(cfg, folder)}
    for module in deciding:
        changed = tmp_path / "elsewhere.py"
        changed.write_text(Path(module.__file__).read_text() + "# one comment more\n")
        with monkeypatch.context() as patched:
            patched.setattr(module, "__file__", str(changed))
            seen.add(prepared_path(cfg, folder))
            changed.unlink()
            with pytest.raises(FileNotFoundError):
                prepared_path(cfg, folder)
    assert len(seen) == 1 + len(deciding)
    assert prepared_path(cfg, folder) in seen


def test_a_rebuilt_data_set_is_read_again(work):
    """`datasets` itself would serve the old rows: it keys a folder by its name and card."""
    before = runs.datasets(runs.configuration()).train_dataset["labels"]

    def change(rows):
        rows[0]["messages"][1]["content"][0]["text"] = "Another answer"

    _change(work, change)
    assert runs.datasets(runs.configuration()).train_dataset["labels"] != before


def test_a_half_written_prepared_set_is_made_again(workshop):
    cfg = runs.configuration()
    rows = len(runs.datasets(cfg).train_dataset)
    (saved,) = [folder for folder in Path(cfg.dataset_prepared_path).iterdir() if folder.is_dir()]
    (saved / "dataset_info.json").unlink()
    assert len(runs.datasets(runs.configuration()).train_dataset) == rows


def test_a_set_that_somebody_is_writing_is_left_alone(work):
    from axolotl.utils.data.lock import LOCK_FILE_NAME
    from filelock import FileLock

    folder = Path(runs.configuration().dataset_prepared_path)
    (folder / "half").mkdir()
    with FileLock(folder / LOCK_FILE_NAME, is_singleton=False):
        runs.configuration()
        assert (folder / "half").is_dir()
    runs.configuration()
    assert not (folder / "half").exists()


def test_preparing_needs_no_projector_and_training_finds_the_set(work):
    """Stage 2's data can be prepared before stage 1 has run."""
    prepared = runs.configuration(is_preprocess=True, projector={"init_from": "./not/yet"})
    runs.datasets(prepared)
    with pytest.raises(RecipeError, match=r"projector.init_from: ./not/yet holds no finished stage 1"):
        runs.configuration(projector={"init_from": "./not/yet"})
    cfg = runs.configuration()
    sets = [folder for folder in Path(cfg.dataset_prepared_path).iterdir() if folder.is_dir()]
    runs.datasets(cfg)
    assert [folder for folder in Path(cfg.dataset_prepared_path).iterdir() if folder.is_dir()] == sets

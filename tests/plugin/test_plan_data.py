"""Planned rows and packs against what training makes of the same data."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from axolotl.utils.dict import DictDefault

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.plan import packing, row_lengths
from bimedix2_plugin.plan.model_sizes import read_models, text_renderer
from tests.helpers import planned, runs

CLIP = planned.encoded(1, 576)


def _rows(cfg, folder):
    models = read_models(cfg, folder)
    return row_lengths.rows_from_data(cfg, text_renderer(cfg, models, folder), models.whole(cfg, folder))


def _prepared_rows(dataset):
    tokens = np.array([len(ids) for ids in dataset["input_ids"]])
    labels = np.array([sum(label != -100 for label in row) for row in dataset["labels"]])
    images = np.array([planned.encoded(len(keys), 4, side=28) for keys in dataset["images"]])
    return row_lengths.Rows("prepared", False, len(tokens), tokens, labels, images, np.array([""] * len(tokens)))


@pytest.mark.parametrize("epochs", [2, 0.5])
def test_packs_and_steps_are_those_of_training(workshop, tmp_path, epochs):
    changes = {"num_epochs": epochs, "gradient_accumulation_steps": 2}
    trainer = runs.trainer(runs.configuration(**changes))
    trained = list(trainer.get_train_dataloader())
    cfg = DictDefault(runs.recipe(**changes))
    planned_rows, prepared = _rows(cfg, tmp_path), trainer.train_dataset
    rows = _prepared_rows(prepared)  # in the order in which Axolotl shuffled them
    assert sorted(planned_rows.tokens) == sorted(rows.tokens) and sorted(planned_rows.labels) == sorted(rows.labels)
    batches = packing.make_batches(rows, cfg, 1, planned.encoded(1, 4))
    assert sorted(batches.tokens) == sorted(batch["input_ids"].numel() for batch in trained)
    assert sorted(batches.labels) == sorted(batch["shift_labels"].numel() for batch in trained)
    assert sorted(batches.images[:, 0]) == sorted(len(batch["pixel_values"]) for batch in trained)
    steps = trainer.set_initial_training_values(trainer.args, trainer.get_train_dataloader())[-1]
    assert packing.steps(cfg, batches, 1) == steps


def test_long_rows_are_for_the_ledger(work, tmp_path):
    cfg = DictDefault(runs.recipe())
    every = _rows(cfg, tmp_path / "a")
    shorter = DictDefault(runs.recipe(sequence_len=80))
    left = _rows(shorter, tmp_path / "b")
    assert (every.total, every.rejected) == (24, 0)
    assert left.rejected == int((every.tokens > 80).sum()) > 0
    assert left.total + left.rejected == 24


def test_a_sliced_split_is_planned_as_sliced(work):
    entry = runs.RECIPE["datasets"][0] | {"split": "train[:25%]"}
    cfg = DictDefault(runs.recipe(datasets=[entry]))
    assert row_lengths.data_rows(cfg) == 6
    assert [row["id"] for _, row in row_lengths.read_rows(cfg, 2)] == ["train-0", "train-2", "train-4"]


def test_a_sample_stands_for_the_whole(work, tmp_path, monkeypatch):
    monkeypatch.setattr(row_lengths, "SAMPLE", 8)
    cfg = DictDefault(runs.recipe())
    rows = _rows(cfg, tmp_path)
    assert (len(rows.tokens), rows.total, rows.scale) == (8, 24, 3.0)
    assert "8 of 24 rows tokenized" in rows.source
    batches = packing.make_batches(rows, cfg, 1, planned.encoded(1, 4))
    assert batches.epoch == 3 * len(batches.tokens)


def _published(kinds):
    """Rows of arXiv 2412.07769 v2, table 12."""
    return {"en image": 366_364, "en text": 666_585, "ar image": 213_463, "ar text": 444_995}[kinds]


def test_the_bimed_v_table_has_the_papers_rows_and_one_published_length():
    rows = row_lengths.rows_from_table("bimed-v", CLIP, 10**6)
    assert rows.assumed and rows.total == 1_691_407
    for kind in ("en image", "en text", "ar image", "ar text"):
        assert (rows.kinds == kind).sum() * rows.scale == pytest.approx(_published(kind), rel=0.01)
    text = rows.encoded[:, 0] == 0
    assert rows.tokens[text].mean() == pytest.approx(632e6 / 1.3e6, rel=0.05)
    assert rows.tokens[~text].min() > 576


@pytest.mark.parametrize("name", row_lengths.tables())
def test_tables_are_drawn_alike_each_time(name):
    first, second = (row_lengths.rows_from_table(name, CLIP, 4096) for _ in range(2))
    assert np.array_equal(first.tokens, second.tokens) and first.tokens.max() <= 4096
    assert (first.labels < first.tokens).all()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_languages_table_is_the_whole_ones_cut(language):
    whole, cut = (
        yaml.safe_load((row_lengths._TABLES / f"bimed-v{part}.yml").read_text()) for part in ("", f"-{language}")
    )
    assert cut == whole | {"rows": [entry for entry in whole["rows"] if entry["language"] == language]}


def test_arabic_is_longer_where_the_vocabulary_spells_it():
    plain, spelt = (
        row_lengths.rows_from_table("bimed-v", CLIP, 10**6),
        row_lengths.rows_from_table("bimed-v", CLIP, 10**6, 2.0),
    )
    text = {kind: (plain.kinds == kind) for kind in ("ar text", "en text")}
    means = {kind: spelt.tokens[rows].mean() / plain.tokens[rows].mean() for kind, rows in text.items()}
    assert means == {"ar text": pytest.approx(2, rel=0.01), "en text": 1.0}
    assert spelt.source == "table bimed-v with Arabic 2 times as long" and plain.source == "table bimed-v"


def test_an_unknown_table_names_the_known():
    with pytest.raises(RecipeError, match="there are align, bimed-v, bimed-v-ar, bimed-v-en"):
        row_lengths.rows_from_table("bimed", CLIP, 4096)


def _lengths(*tokens, images=0):
    column = np.array(tokens)
    same = np.tile(planned.encoded(images, 16), (len(tokens), 1))
    return row_lengths.Rows("made", False, len(tokens), column, column // 2, same, np.array(["en text"] * len(tokens)))


def test_a_pack_of_text_holds_one_blank_image():
    cfg = planned.recipe(sample_packing=True, balance_labels=True, sequence_len=100)
    batches = packing.make_batches(_lengths(60, 40), cfg, 1, planned.encoded(1, 16))
    assert batches.tokens.tolist() == [116] and batches.images.tolist() == [[*planned.encoded(1, 16)]]
    assert batches.sum_sq_len.tolist() == [60**2 + 40**2 + 16**2]
    assert batches.fill == 1.0 and batches.rows.tolist() == [2]


def test_without_packing_a_batch_is_rows():
    cfg = planned.recipe(micro_batch_size=2, sequence_len=100, num_epochs=3, gradient_accumulation_steps=2)
    batches = packing.make_batches(_lengths(10, 20, 30, 40, 50, images=1), cfg, 1, planned.encoded(1, 16))
    assert sorted(batches.rows) == [1, 2, 2] and batches.fill is None
    assert packing.steps(cfg, batches, 1) == 3 * 2


def test_more_gpus_than_rows():
    cfg = planned.recipe(sample_packing=True, balance_labels=True, sequence_len=100)
    with pytest.raises(RecipeError, match=r"--gpus: 2 rows cannot fill .* batches"):
        packing.make_batches(_lengths(60, 40), cfg, 8, planned.encoded(1, 16))

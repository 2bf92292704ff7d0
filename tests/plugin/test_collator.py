"""Rows to a pack: images in order, each decoded once, and placeholders checked against features."""

from __future__ import annotations

import pytest
import torch

from data_prep.images import store
from data_prep.images.store import ImageStore, ImageStoreError
from tests.helpers import runs


@pytest.fixture(scope="module")
def prepared(workshop):
    cfg = runs.configuration()
    from bimedix2_plugin import BiMediX2Plugin

    cls, kwargs = BiMediX2Plugin().get_collator_cls_and_kwargs(cfg)
    return cls(None, padding=True, return_tensors="pt", **kwargs), list(runs.datasets(cfg).train_dataset)


def test_pack_is_rows_end_to_end(prepared):
    collator, rows = prepared
    pack = collator([rows[:2], rows[2:5]])
    lengths = [len(row["input_ids"]) for row in rows[:5]]
    assert pack["input_ids"][0].tolist() == [token for row in rows[:5] for token in row["input_ids"]]
    assert pack["labels"][0].tolist() == [label for row in rows[:5] for label in row["labels"]]
    assert pack["position_ids"][0].tolist() == [place for length in lengths for place in range(length)]
    assert "attention_mask" not in pack


def test_images_follow_the_placeholders(prepared):
    collator, rows = prepared
    two = next(row for row in rows if len(row["images"]) == 2 and len(set(row["images"])) == 2)
    one = next(row for row in rows if len(row["images"]) == 1)
    pack = collator([two, one])
    expected = [ImageStore(two["store"]).image(key) for key in [*two["images"], *one["images"]]]
    pixels = [collator.model.image_processor(image, return_tensors="pt")["pixel_values"][0] for image in expected]
    assert torch.equal(pack["pixel_values"], torch.stack(pixels))


def test_each_distinct_image_is_decoded_once(prepared, monkeypatch):
    collator, rows = prepared
    decoded = []
    original = store.ImageStore.image
    monkeypatch.setattr(ImageStore, "image", lambda self, key: decoded.append(key) or original(self, key))
    keys = [key for row in rows for key in row["images"]]
    pack = collator(rows)
    assert len(pack["pixel_values"]) == len(keys) > len(decoded) == len(set(keys))


def test_stale_placeholders_are_refused_with_the_rows_id(prepared):
    collator, rows = prepared
    row = next(row for row in rows if row["images"])
    spoiled = row | {"input_ids": [token for token in row["input_ids"] if token != collator.model.placeholder_id]}
    with pytest.raises(ValueError, match=rf"row {row['id']}: 0 placeholders for \d+ image features"):
        collator([spoiled])


def test_text_gets_a_blank_document_without_labels(prepared):
    collator, rows = prepared
    text = next(row for row in rows if not row["images"])
    pack = collator([text])
    length = len(text["input_ids"])
    assert pack["pixel_values"].shape == (1, 3, 28, 28) and not pack["pixel_values"].any()
    assert pack["input_ids"][0, length:].tolist() == [collator.model.placeholder_id] * 4
    assert set(pack["labels"][0, length:].tolist()) == {-100} and pack["position_ids"][0, length] == 0


def test_store_names_what_is_missing(workshop, tmp_path):
    with pytest.raises(ImageStoreError, match="no image with key 'nothing'"):
        ImageStore("data/images").bytes("nothing")
    with pytest.raises(ImageStoreError, match=r"no \*.arrow file"):
        ImageStore(tmp_path)
    (tmp_path / "images-00000.arrow").write_bytes(b"not arrow")
    with pytest.raises(ImageStoreError, match=r"images-00000.arrow: not a readable"):
        ImageStore(tmp_path)

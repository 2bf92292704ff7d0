"""The image store and the shards."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from data_fixtures import encoded, picture
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.image_file import stored_image
from data_prep.image_store import ImageStoreWriter
from data_prep.reading import shard_rows, store_images
from data_prep.rows import SCHEMA, image_part, text_part
from data_prep.shards import ShardWriter, split_of


def image(seed):
    return stored_image(encoded(picture(seed)))


def test_each_distinct_image_is_stored_once(tmp_path):
    with ImageStoreWriter(tmp_path / "images") as store:
        keys = [store.add(image(seed)) for seed in (0, 1, 0, 1, 2)]
    assert len(store) == 3 and keys[0] == keys[2] and keys[1] == keys[3]
    found = list(store_images(tmp_path, list(store.files)))
    assert [row["key"] for row in found] == [keys[0], keys[1], keys[4]]
    assert found[0]["bytes"] == image(0).data and (found[0]["width"], found[0]["height"]) == (24, 16)


def test_the_store_is_split_into_files_and_mapped_not_copied(tmp_path):
    with ImageStoreWriter(tmp_path / "images", file_bytes=2500) as store:
        for seed in range(5):
            store.add(image(seed))
    assert list(store.files) == [f"images-{n:05d}.arrow" for n in range(len(store.files))]
    assert len(store.files) > 1 and sum(store.files.values()) == 5
    before = pa.total_allocated_bytes()
    with pa.memory_map(str(tmp_path / "images/images-00000.arrow")) as source:
        column = pa.ipc.open_file(source).read_all()["bytes"]
        assert pa.total_allocated_bytes() == before, "a compressed file would be copied into memory"
        assert column.type == pa.large_binary()


def test_a_set_without_images_has_an_empty_store(tmp_path):
    with ImageStoreWriter(tmp_path / "images") as store:
        pass
    assert store.files == {"images-00000.arrow": 0}
    assert list(store_images(tmp_path, list(store.files))) == []


def row(number):
    content = [image_part(), text_part(f"سؤال {number}")]
    return dict.fromkeys(SCHEMA.names, "x") | {
        "id": str(number),
        "messages": [{"role": "user", "content": content}],
        "images": ["k"],
        "parent": None,
    }


@settings(max_examples=30, deadline=None)
@given(
    splits=st.lists(st.sampled_from(["train", "test", "heldout_image"]), min_size=1, max_size=40),
    bound=st.integers(1, 9),
)
def test_shards_hold_every_row_in_order_and_at_most_the_bound(splits, bound):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ShardWriter(folder, rows_per_shard=bound) as shards:
            for number, split in enumerate(splits):
                shards.add(split, row(number))
        assert sorted(shards.rows) == sorted(path.name for path in folder.iterdir())
        assert all(0 < count <= bound for count in shards.rows.values())
        for split in set(splits):
            names = [name for name in shards.rows if split_of(name) == split]
            assert names == [f"{split}-{n:05d}-of-{len(names):05d}.parquet" for n in range(len(names))]
            wanted = [row(number) for number, this in enumerate(splits) if this == split]
            assert [read for _, read in shard_rows(folder, names)] == wanted


def test_a_failed_write_leaves_no_shard_with_a_final_name(tmp_path):
    with pytest.raises(RuntimeError), ShardWriter(tmp_path, rows_per_shard=1) as shards:
        shards.add("train", row(1))
        raise RuntimeError
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize("split", ["Train", "held-out", "", "a1"])
def test_a_split_that_a_file_name_cannot_carry_is_refused(tmp_path, split):
    with pytest.raises(ValueError, match="lower-case"), ShardWriter(tmp_path) as shards:
        shards.add(split, row(1))

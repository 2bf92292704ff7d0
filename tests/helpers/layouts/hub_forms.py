"""One dataset of the Hub in each form in which people have it, written by the Hub's own packages."""

import shutil
from pathlib import Path

import datasets
from huggingface_hub import file_download

MAIN, CONVERTED = "a" * 40, "c" * 40
REPOSITORY = "flaviagiammarino/vqa-rad"
FORMS = ("snapshot", "bare", "cache", "hub_cache", "converted", "converted_cache", "saved", "saved_split")


def write(form: str, root: Path, splits: dict[str, datasets.Dataset], shards: int = 2) -> None:
    """Write the splits below `root`, each in `shards` files; `saved_split` writes the first split alone."""
    if form == "saved":
        datasets.DatasetDict(splits).save_to_disk(
            root, num_shards={split: min(shards, len(rows)) for split, rows in splits.items()}
        )
    elif form == "saved_split":
        split, rows = next(iter(splits.items()))
        rows.save_to_disk(root / split, num_shards=min(shards, len(rows)))
    elif form == "converted":
        convert_branch(root, splits, shards)
    elif form in ("snapshot", "bare"):
        snapshot(root / "data" if form == "snapshot" else root, splits, shards)
        (root / ".cache/huggingface/download/data").mkdir(parents=True)
        (root / ".cache/huggingface/download/data/train-00000-of-00001.parquet.metadata").touch()
    else:
        made = root.with_name(f"{root.name}-files")
        is_converted = form == "converted_cache"
        write("converted" if is_converted else "snapshot", made, splits, shards)
        at = {"revision": "refs/convert/parquet", "commit": CONVERTED} if is_converted else {}
        cached = cache(root, made, **at)
        shutil.rmtree(made)
        if form != "hub_cache":
            shutil.move(cached, root.with_name("moved"))
            shutil.rmtree(root)
            shutil.move(root.with_name("moved"), root)


def loaded(folder: Path, cache: Path, configuration: str = "default", **files: str) -> dict[str, datasets.Dataset]:
    """Splits as `load_dataset` gives them; `files` are patterns of Parquet files in the folder, by split."""
    data_files = {split: str(folder / pattern) for split, pattern in files.items()}
    return dict(datasets.load_dataset("parquet", configuration, data_files=data_files, cache_dir=str(cache)))


def snapshot(folder: Path, splits: dict[str, datasets.Dataset], shards: int = 2) -> None:
    """The files that `push_to_hub` makes of a dataset."""
    for split, rows in splits.items():
        for number, part in enumerate(parts := _parts(rows, shards)):
            _parquet(part, folder / f"{split}-{number:05d}-of-{len(parts):05d}.parquet")


def convert_branch(root: Path, splits: dict[str, datasets.Dataset], shards: int = 2, configuration="default") -> None:
    """The files of the branch refs/convert/parquet."""
    for split, rows in splits.items():
        for number, part in enumerate(_parts(rows, shards)):
            _parquet(part, root / configuration / split / f"{number:04d}.parquet")


def cache(root: Path, files: Path, revision: str = "main", commit: str = MAIN, repository: str = REPOSITORY) -> Path:
    """Put the files into the cache `root` as a revision of the repository; returns the repository's part of it."""
    folder = root / file_download.repo_folder_name(repo_id=repository, repo_type="dataset")
    snapshot = folder / "snapshots" / commit
    given = [path.relative_to(files) for path in files.rglob("*") if path.is_file()]
    for number, name in enumerate(sorted(name for name in given if name.parts[0] != ".cache")):
        blob, link = folder / "blobs" / f"{commit[0]}{number:063x}", snapshot / name
        blob.parent.mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files / name, blob)
        file_download._create_symlink(str(blob), str(link))
    file_download._cache_commit_hash_for_specific_revision(str(folder), revision, commit)
    return folder


def _parts(rows: datasets.Dataset, shards: int) -> list[datasets.Dataset]:
    shards = min(shards, len(rows))
    return [rows.shard(shards, number, contiguous=True) for number in range(shards)]


def _parquet(rows: datasets.Dataset, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(str(path), batch_size=2)

"""Build a dataset folder from a mixture: run the stages in a hidden folder beside it, then move the result there."""

import errno
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from data_prep import assemble, manifest
from data_prep.assemble import Extra
from data_prep.errors import DataPrepError
from data_prep.mixture import Mixture
from data_prep.mixture_file import described
from data_prep.pipeline import (
    benchmark_overlap,
    decisions,
    fingerprints,
    load_images,
    processes,
    read_rows,
    slices,
    write_shards,
    write_store,
)
from data_prep.pipeline.stage import BuildFolder
from data_prep.tables.table import TableError

_EARLY = (
    *("sources", "benchmarks", "splits", "seed", "identity", "checks", "max_side", "max_pixels", "max_characters"),
    "duplicates",
)
"""The fields of a mixture that the stages before the selection depend on."""

_INTERMEDIATE_FORMAT = 7
"""Bump when an intermediate format changes; unfinished builds then restart."""

_SMALL = 5_000
"""Up to so many rows one process is faster than several."""
_SMALL_BYTES = 100_000_000


class BuildError(DataPrepError, RuntimeError):
    """A dataset that cannot be built; nothing that looks complete is left behind."""


def build(
    mixture: Mixture, out: Path, command: str, workers: int | None = None, extra: Extra | None = None
) -> dict[str, Any] | None:
    """Build the dataset in `out` and return its manifest, or None if `out` already holds it.

    An interrupted build is resumed. `workers` is the number of processes, by default one per core; `extra` writes
    further files into the folder.
    Raises BuildError if `out` holds other files, if no row could be written, if rows are in a benchmark and the
    mixture does not say what to do with them, if an input file is truncated, if the disk is full, and if a worker
    process is killed. If no row could be written, the ledger is kept beside `out`.
    """
    processes.end_if_starting()
    early, inputs = _digests(mixture, extra)
    _make_parent(out)
    with FileLock(out.with_name(f".{out.name}.lock")):
        if manifest.is_complete(out, inputs):
            _remove_leftovers(out, inputs)
            return None
        refuse_unknown_files(out)
        workdir = BuildFolder(_prepared(out, early, inputs), workers or os.cpu_count() or 1)
        try:
            made = _run(workdir, mixture, out, inputs, command, extra=extra)
        except (TableError, assemble.NothingWritten) as error:
            shutil.rmtree(workdir.folder)
            raise BuildError(str(error)) from error
        except processes.WorkerDied as error:
            raise BuildError(
                f"{out} was not built: {error}; finished tasks are kept in {workdir.folder}: "
                "run the same command to resume"
            ) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise BuildError(
                f"{out}: the disk is full; nothing was written there; finished stages are kept in {workdir.folder}: "
                "free space and run the same command to resume"
            ) from error
        shutil.rmtree(workdir.folder)
    return made


def _run(
    workdir: BuildFolder, mixture: Mixture, out: Path, inputs: str, command: str, *, extra: Extra | None
) -> dict[str, Any]:
    """Run the stages in order; each skips its finished tasks."""
    start = time.monotonic()
    sources = [*mixture.sources, *mixture.benchmarks]
    single = BuildFolder(workdir.folder, 1)  # on little data, starting processes would take longer than the tasks
    size = sum(table.path.stat().st_size for source in sources for table in source.tables())
    parts = slices.cut(workdir if size > _SMALL_BYTES else single, sources)
    own = [part for part in parts if part.source < len(mixture.sources)]
    if not own:
        raise assemble.NothingWritten(f"{mixture.name}: the sources hold no row")
    if sum(part.rows for part in parts) < _SMALL:
        workdir = single
    read_rows.read_slices(workdir, parts, sources, mixture)
    tasks = load_images.load_images(workdir, parts, sources, mixture)
    benchmark_overlap.gather(workdir, parts, tasks, mixture)
    uncompared = benchmark_overlap.uncompared(workdir, parts, tasks, mixture)
    for entry in uncompared:
        print("benchmark {benchmark}: {rows} items could not be compared: {reason}".format(**entry), file=sys.stderr)
    fingerprints.compute(workdir, own, tasks, mixture)
    decided = decisions.decide(workdir, parts, tasks, mixture)
    _tell(decided["parents"])
    _refuse_overlaps(out, decided["overlaps"])
    names = [source.name for source in mixture.sources]
    write_shards.scatter(workdir, own, names, decided["sizes"])
    write_shards.gather(workdir, len(own), decided["shards"])
    images = write_store.write(workdir, tasks, list(decided["shards"]))
    outputs = assemble.StageOutputs(workdir, mixture, own, tasks, uncompared, decided, images)
    made = assemble.assemble(outputs, out, inputs, command, extra)
    rows, seconds = made["read"], time.monotonic() - start
    print(f"{rows:,} rows read in {seconds:.0f} s, {rows / seconds:,.0f} per second", file=sys.stderr)
    return made


def _make_parent(out: Path) -> None:
    """Make the parent folder of the dataset, and check that it can be written to."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BuildError(f"{out}: the disk is full; free space and run again") from error
        raise BuildError(f"{out}: {out.parent} cannot be written ({error.strerror}); give another --out") from error


def _digests(mixture: Mixture, extra: Extra | None) -> tuple[str, str]:
    """Digests of what the stages before the selection depend on, and of what the whole dataset depends on."""
    given = {key: value for key, value in vars(mixture).items() if key not in ("sources", "benchmarks")}
    plain: dict[str, Any] = {key: _plain(value) for key, value in given.items()}
    plain |= {key: [described(source) for source in getattr(mixture, key)] for key in ("sources", "benchmarks")}
    files = [source.inputs() for source in (*mixture.sources, *mixture.benchmarks)]
    common = {"format": manifest.FORMAT, "files": files, "versions": manifest.versions()}
    early = {**common, "stages": _INTERMEDIATE_FORMAT, **{key: plain[key] for key in _EARLY}}
    more = {"extra": extra.digest} if extra is not None else {}
    return manifest.digest(early), manifest.digest({**common, **plain, **more})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _prepared(out: Path, early: str, inputs: str) -> Path:
    """The folder of the unfinished build, without the files of stages whose inputs have changed."""
    folder = out.with_name(f".{out.name}.build")
    marks = {folder / "early": early, folder / "inputs": inputs}
    first, second = ((path.read_text() if path.exists() else "") == mark for path, mark in marks.items())
    if not first:
        shutil.rmtree(folder, ignore_errors=True)
    elif not second:
        for stage in (decisions.STAGE, write_shards.SCATTER, write_shards.GATHER, write_store.STAGE):
            shutil.rmtree(folder / stage, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    for path, mark in marks.items():
        path.write_text(mark)
    return folder


def _remove_leftovers(out: Path, inputs: str) -> None:
    """Remove what is left of a build that was killed after its last step, and of one that could write no row."""
    shutil.rmtree(out.with_name(f".{out.name}.old"), ignore_errors=True)
    assemble.kept_ledger(out).unlink(missing_ok=True)
    workdir = out.with_name(f".{out.name}.build")
    mark = workdir / "inputs"
    if mark.is_file() and mark.read_text() == inputs:
        shutil.rmtree(workdir, ignore_errors=True)


def _tell(parents: dict[str, Any]) -> None:
    """Say on stderr which rows' parents are nowhere, and which are in a cycle."""
    if parents["absent"]:
        lacking = [f"{entry['rows']} of {entry['source']} ({entry['examples'][0]})" for entry in parents["absent"]]
        print(f"parents in no source and no benchmark: rows {', '.join(lacking)}", file=sys.stderr)
    if parents["cycles"]["number"]:
        first = parents["cycles"]["first"]
        print(
            f"parents in a cycle: {parents['cycles']['ids']} ids in {parents['cycles']['number']} cycles, such as "
            f"{' -> '.join([*first[:5], first[0] if len(first) <= 5 else '...'])}; correct `parent` in the source",
            file=sys.stderr,
        )


def _refuse_overlaps(out: Path, overlaps: list[dict[str, Any]]) -> None:
    refused = [overlap for overlap in overlaps if overlap.get("action") == "fail"]
    if refused:
        lines = [
            f"{overlap['source']}: {overlap['rows']} rows contain a question of the benchmark {overlap['benchmark']}, "
            f"or were made from one, such as {', '.join(overlap['examples'][:3])}"
            for overlap in refused
        ]
        advice = "for each, add {benchmark, source, action: drop or accept, why} under `overlaps:` in the mixture"
        lines.append(f"{out} was not built: {advice}; finished stages are kept for the next run")
        raise BuildError("\n".join(lines))


def refuse_unknown_files(out: Path) -> None:
    """Raise BuildError unless `out` is absent, or a folder whose manifest lists every file in it."""
    if not out.exists():
        return
    if not out.is_dir():
        raise BuildError(f"{out}: not a folder; give another --out")
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir() or path.is_symlink()}
    if unknown := sorted(files - manifest.named(out)):
        raise BuildError(f"{out}: holds {unknown[0]}, which no build wrote; move it away or give another --out")

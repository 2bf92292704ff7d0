"""Build a data set folder from a mixture, stage by stage, in a hidden folder beside it; moved into place at the end."""

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
from data_prep.mixture import Mixture
from data_prep.mixture_file import described
from data_prep.pipeline import benchmarks, decisions, fingerprints, load_images, read, shards, slices, store
from data_prep.pipeline.stage import Work
from data_prep.tables.base import TableError

_EARLY = ("sources", "benchmarks", "splits", "seed", "identity", "checks", "max_side", "max_pixels", "duplicates")
"""What of a mixture decides the stages before the selection."""

_STAGES = 3
"""To be raised when the files that the stages leave change, so that no unfinished build goes on from older ones."""

_SMALL = 5_000
_SMALL_BYTES = 100_000_000


class BuildError(RuntimeError):
    """A data set that cannot be built; nothing that looks complete is left behind."""


def build(mixture: Mixture, out: Path, command: str, workers: int | None = None) -> dict[str, Any] | None:
    """Build the data set in `out` and give its manifest, or None when `out` has it already.

    A build that was interrupted goes on where it was. `workers` is the number of processes, by default one a core.
    Raises BuildError when `out` holds files of another kind, when no row could be written, when rows are in a
    benchmark and the mixture does not say what to do, when an input file is cut off, and when the disk is full.
    """
    early, inputs = _digests(mixture)
    _make_parent(out)
    with FileLock(out.with_name(f".{out.name}.lock")):
        if manifest.is_complete(out, inputs):
            _clear_rest(out, inputs)
            return None
        _refuse_strangers(out)
        work = Work(_prepared(out, early, inputs), workers or os.cpu_count() or 1)
        try:
            made = _run(work, mixture, out, inputs, command)
        except (TableError, assemble.NothingWritten) as error:
            shutil.rmtree(work.folder)
            raise BuildError(str(error)) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise BuildError(
                f"{out}: the disk is full; nothing was put there, and what is done is kept in {work.folder}: "
                "free space and run the same command to go on"
            ) from error
        shutil.rmtree(work.folder)
    return made


def _run(work: Work, mixture: Mixture, out: Path, inputs: str, command: str) -> dict[str, Any]:
    """Every stage in turn; each skips what it has done before."""
    start = time.monotonic()
    sources = [*mixture.sources, *mixture.benchmarks]
    alone = Work(work.folder, 1)  # on little data, starting processes would take longer than the work
    size = sum(table.path.stat().st_size for source in sources for table in source.tables())
    parts = slices.cut(work if size > _SMALL_BYTES else alone, sources)
    own = [part for part in parts if part.source < len(mixture.sources)]
    if not own:
        raise assemble.NothingWritten(f"{mixture.name}: the sources hold no row")
    if sum(part.rows for part in parts) < _SMALL:
        work = alone
    read.read(work, parts, sources, mixture)
    tasks = load_images.load_images(work, parts, sources, mixture)
    benchmarks.gather(work, parts, tasks, mixture)
    uncompared = benchmarks.uncompared(work, parts, tasks, mixture)
    for entry in uncompared:
        print("benchmark {benchmark}: {rows} items could not be compared: {reason}".format(**entry), file=sys.stderr)
    fingerprints.fingerprints(work, own, tasks, mixture)
    decided = decisions.decide(work, own, mixture)
    _refuse_overlaps(out, decided["overlaps"])
    names = [source.name for source in mixture.sources]
    shards.scatter(work, own, names, decided["sizes"])
    shards.gather(work, len(own), decided["shards"])
    images = store.store(work, tasks, list(decided["shards"]))
    built = assemble.Built(work, mixture, own, tasks, uncompared, decided, images)
    made = assemble.assemble(built, out, inputs, command)
    rows, seconds = made["read"], time.monotonic() - start
    print(f"{rows:,} rows read in {seconds:.0f} s, {rows / seconds:,.0f} a second", file=sys.stderr)
    return made


def _make_parent(out: Path) -> None:
    """The folder that the data set goes into, made if need be, and tried."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BuildError(f"{out}: the disk is full; free space and run again") from error
        raise BuildError(f"{out}: {out.parent} cannot be written ({error.strerror}); give another --out") from error


def _digests(mixture: Mixture) -> tuple[str, str]:
    """Digests of what decides the stages before the selection, and of everything that decides the data set."""
    given = {key: value for key, value in vars(mixture).items() if key not in ("sources", "benchmarks")}
    plain: dict[str, Any] = {key: _plain(value) for key, value in given.items()}
    plain |= {key: [described(source) for source in getattr(mixture, key)] for key in ("sources", "benchmarks")}
    files = [source.inputs() for source in (*mixture.sources, *mixture.benchmarks)]
    common = {"format": manifest.FORMAT, "files": files, "versions": manifest.versions()}
    into = [entry.into for entry in mixture.entries]
    early = {**common, "stages": _STAGES, "into": into, **{key: plain[key] for key in _EARLY}}
    return manifest.digest(early), manifest.digest({**common, **plain})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _prepared(out: Path, early: str, inputs: str) -> Path:
    """The folder of the unfinished build, without what other inputs left in it."""
    folder = out.with_name(f".{out.name}.build")
    marks = {folder / "early": early, folder / "inputs": inputs}
    first, second = ((path.read_text() if path.exists() else "") == mark for path, mark in marks.items())
    if not first:
        shutil.rmtree(folder, ignore_errors=True)
    elif not second:
        for stage in (decisions.STAGE, shards.SCATTER, shards.GATHER, store.STAGE):
            shutil.rmtree(folder / stage, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    for path, mark in marks.items():
        path.write_text(mark)
    return folder


def _clear_rest(out: Path, inputs: str) -> None:
    """Remove what a build leaves that is killed after its last step."""
    shutil.rmtree(out.with_name(f".{out.name}.old"), ignore_errors=True)
    work = out.with_name(f".{out.name}.build")
    mark = work / "inputs"
    if mark.is_file() and mark.read_text() == inputs:
        shutil.rmtree(work, ignore_errors=True)


def _refuse_overlaps(out: Path, overlaps: list[dict[str, Any]]) -> None:
    refused = [overlap for overlap in overlaps if overlap.get("action") == "fail"]
    if refused:
        lines = [
            f"{overlap['source']}: {overlap['rows']} rows hold a question of the benchmark {overlap['benchmark']}, "
            f"such as {', '.join(overlap['examples'][:3])}"
            for overlap in refused
        ]
        advice = "for each, add {benchmark, source, action: drop or accept, why} under `overlaps:` in the mixture"
        raise BuildError("\n".join([*lines, f"{out} was not built: {advice}; what is done is kept for the next run"]))


def _refuse_strangers(out: Path) -> None:
    """A folder is replaced only when a build made all that is in it, as its manifest tells."""
    if not out.exists():
        return
    if not out.is_dir():
        raise BuildError(f"{out}: not a folder; give another --out")
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir() or path.is_symlink()}
    if strangers := sorted(files - manifest.named(out)):
        raise BuildError(f"{out}: holds {strangers[0]}, which no build wrote; move it away or give another --out")

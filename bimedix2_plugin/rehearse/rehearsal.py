"""Rehearse a recipe: its own settings over small stand-ins and a few rows, from preparing the data to generation.

Each step is a real command; each proof of the table is made from what the steps wrote.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bimedix2_plugin import recipe as recipes
from bimedix2_plugin.rehearse import adapt, inputs, stand_ins
from bimedix2_plugin.rehearse.commands import Run, last_lines, run_axolotl
from bimedix2_plugin.rehearse.merge_steps import merge
from bimedix2_plugin.rehearse.report import Report
from bimedix2_plugin.rehearse.stage import Stage, Step
from bimedix2_plugin.rehearse.training_steps import killed_and_resumed, prepare, several_ranks, train

Say = Callable[[str], None]
FOLDER = Path("outputs") / "rehearsals"
_WORK = "work"


def rehearse(
    path: str | Path,
    *,
    out: Path | None = None,
    data: Path | None = None,
    gpus: int | None = None,
    keep: bool = False,
    run: Run = run_axolotl,
    say: Say = print,
) -> Report:
    """Rehearse a recipe, and the stage 1 that it starts from.

    Args:
        path: the recipe.
        out: folder of the report; by default `outputs/rehearsals/<recipe>`. Its folder `work` is removed at the end.
        data: a built dataset to take the rows from, in place of the recipe's.
        gpus: number of GPUs; None for all of this machine, 0 for its CPU.
        keep: leave the folder `work`, to look at.
        run: runs an `axolotl` command.
        say: takes each line of the progress.

    Raises:
        RecipeError: the rehearsal cannot begin: nothing is left behind.
    """
    pair = inputs.pair_of(Path(path))
    number = inputs.gpus_here(gpus)
    out = out or FOLDER / Path(path).stem
    report = Report({stage: str(file) for stage, file in pair.items()})
    work = (out / _WORK).absolute()
    contents = {stage: recipes.read(file) for stage, file in pair.items()}
    inputs.check_kernels(contents, number)
    inputs.check_room(work.parent)
    with _removed_at_the_end(work, keep=keep):
        say(f"rehearsing {', '.join(report.recipes.values())} in {work}")
        last = contents[list(contents)[-1]]
        models = stand_ins.make(last, work / "models")
        rows = inputs.rows(contents, work, data, report.replaced)
        place = adapt.Place(work, models, rows, number)
        report.replaced += models.replaced
        _rehearse(pair, place, report, run, say)
    for line in report.table():
        say(line)
    say(f"{'passed' if report.passed else 'FAILED'}: {report.write(out)}")
    return report


def _rehearse(pair: dict[str, Path], place: adapt.Place, report: Report, run: Run, say: Say) -> None:
    """Run the steps of all stages until one fails, and add what they show to the report."""
    stages = [Stage(adapt.adapt(recipes.read_yaml(file), place), place) for file in pair.values()]
    report.replaced += dict.fromkeys(line for stage in stages for line in stage.adapted.replaced)
    for line in report.replaced:
        say(f"  {line}")
    steps = [step for stage in stages for step in _steps(stage)]
    for stage in stages:
        _check(place.root / f"{stage.stage}.yml")
    for number, step in enumerate(steps, start=1):
        say(f"{number} of {len(steps)}  {step.name}")
        log, start = place.root / f"{number}.log", time.monotonic()
        status = step.do(run, log)
        report.seconds[step.name] = time.monotonic() - start
        if status != step.expected:
            report.failure = f"{step.name}: ended with exit status {status}"
            report.log = last_lines(log)
            say(f"{report.failure}\n{report.log}")
            return
        report.proofs += step.proofs()


def _check(file: Path) -> None:
    """Check a stage's recipe as Axolotl's commands do, before the first of them starts."""
    from axolotl.cli.config import prepare_plugins

    cfg = recipes.read(file)
    cfg.is_preprocess = True  # stage 1 has not run
    prepare_plugins(cfg)


def _steps(stage: Stage) -> list[Step]:
    steps = [prepare(stage), train(stage), *several_ranks(stage)]
    return steps if stage.stage == "align" else [*steps, *killed_and_resumed(stage), merge(stage)]


@contextmanager
def _removed_at_the_end(folder: Path, *, keep: bool) -> Iterator[None]:
    """Make an empty folder; remove it whatever happens, and the parents that were made for it if they are empty."""
    shutil.rmtree(folder, ignore_errors=True)
    made = [parent for parent in folder.parents if not parent.exists()]
    folder.mkdir(parents=True)
    try:
        yield
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                for parent in made:
                    parent.rmdir()

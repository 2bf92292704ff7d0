"""What a composed folder is made of: everything that decides its content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """Everything that decides a composed folder.

    Attributes:
        base, tower: Hub ids or folders, with their revisions.
        projector: whether a projector is needed; preparing data needs none.
        init_from: stage 1's output folder, or None for a fresh projector.
        chat_template, chat_template_jinja, system: as in the recipe.
        root: where composed folders are kept.
    """

    base: str
    tower: str
    base_revision: str | None = None
    tower_revision: str | None = None
    projector: bool = True
    kind: str = "mlp2x_gelu"
    init_from: str | None = None
    vision_feature_layer: int = -2
    image_aspect: str = "pad"
    chat_template: str | None = None
    chat_template_jinja: str | None = None
    system: str | None = None
    root: Path = Path("outputs/composed")

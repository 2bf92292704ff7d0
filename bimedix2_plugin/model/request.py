"""Everything that decides the content of a composed folder, as read from a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.args import BiMediX2Args
from bimedix2_plugin.model.projector import FINISHED
from bimedix2_plugin.recipe import settings

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_DEFAULTS = BiMediX2Args()


@dataclass(frozen=True)
class Request:
    """Everything that decides the content of a composed folder.

    Attributes:
        base, tower: Hub ids or folders, with their revisions; without a tower, the base is a model that already sees.
        weights: whether weights and a projector are needed; preparing data needs neither.
        init_from: stage 1's output folder; None initialises a new projector.
        chat_template, chat_template_jinja, system, processor_kwargs: as in the recipe.
        root: folder of the composed folders.
    """

    base: str
    tower: str | None = None
    base_revision: str | None = None
    tower_revision: str | None = None
    weights: bool = True
    kind: str = _DEFAULTS.projector.kind
    init_from: str | None = None
    vision_feature_layer: int = _DEFAULTS.vision_feature_layer
    image_aspect: str = _DEFAULTS.image_aspect
    chat_template: str | None = None
    chat_template_jinja: str | None = None
    system: str | None = None
    processor_kwargs: dict[str, Any] | None = None
    root: Path = Path(_DEFAULTS.composed_path)

    def template_text(self) -> str | None:
        """Return the text of `chat_template_jinja`, which is a template or the name of a file with one."""
        given = self.chat_template_jinja
        try:
            return given and Path(given).read_text(encoding="utf-8")
        except OSError:  # a long text is not a possible file name
            return given


def request_of(cfg: DictDefault, *, weights: bool) -> Request:
    """Return what a recipe asks to compose.

    Args:
        cfg: the recipe.
        weights: whether weights and a projector are needed.
    """
    ours = settings(cfg)
    init_from = ours.projector.init_from if weights else None
    if cfg.lora_model_dir and init_from and not (Path(init_from) / FINISHED).is_file():
        init_from = None  # the adapter brings its own projector; stage 1's folder may have been removed
    return Request(
        base=cfg.base_model,
        tower=cfg.vision_tower,
        base_revision=cfg.revision_of_model,
        tower_revision=ours.vision_tower_revision,
        weights=weights,
        kind=ours.projector.kind,
        init_from=init_from,
        vision_feature_layer=ours.vision_feature_layer,
        image_aspect=ours.image_aspect,
        chat_template=cfg.chat_template,
        chat_template_jinja=cfg.chat_template_jinja,
        system=ours.system,
        processor_kwargs=dict(cfg.processor_kwargs) if cfg.processor_kwargs else None,
        root=Path(ours.composed_path),
    )

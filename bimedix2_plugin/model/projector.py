"""The projector between the tower and the language model: initialise, save as stage 1's output, load, check.

Stage 1's output is a folder with `projector.safetensors` and `projector_config.json`, without any frozen weight.
Shapes: V the tower's width, H the language model's width; linear_1 [H, V], linear_2 [H, H], with biases.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from bimedix2_plugin.errors import RecipeError
from data_prep.atomic import atomic_write

if TYPE_CHECKING:
    import torch

WEIGHTS, CONFIG = "projector.safetensors", "projector_config.json"
FINISHED = "finished.json"  # written after a run's final weights; an interrupted run may leave weights without it
PROJECTOR = "multi_modal_projector"  # its module in transformers' LlavaModel
PREFIX = f"{PROJECTOR}."


@dataclass(frozen=True)
class ProjectorShape:
    """The sizes that a projector has to match.

    Attributes:
        kind: "mlp2x_gelu".
        vision_hidden: V.
        text_hidden: H.
        vision_feature_layer: hidden state of the tower that it reads.
    """

    kind: str
    vision_hidden: int
    text_hidden: int
    vision_feature_layer: int


def describe(model: Any, kind: str | None) -> dict[str, Any]:
    """Return what `save` writes about a model's projector.

    Args:
        model: the vision-language model.
        kind: of a composed model's projector; None for a native model's own.
    """
    config = model.config
    if kind is None:
        return {"model_type": config.model_type}
    return asdict(
        ProjectorShape(
            kind, config.vision_config.hidden_size, config.text_config.hidden_size, config.vision_feature_layer
        )
    )


def initialise(shape: ProjectorShape, features: torch.Tensor, embedding_std: float) -> dict[str, torch.Tensor]:
    """Initialise a projector so that its output has the standard deviation of the language model's embeddings.

    LLaVA's initialisation (torch's nn.Linear: uniform in +-1/sqrt(fan in)) leaves the scale of the output to chance,
    and a small model does not learn from features whose scale is far from that of the embeddings.

    Args:
        shape: V and H.
        features: [N, V] features of the tower, to measure the scale on.
        embedding_std: standard deviation of the language model's embedding matrix.
    """
    import torch

    generator = torch.Generator().manual_seed(0)

    def linear(rows: int, columns: int) -> torch.Tensor:
        bound = 1 / math.sqrt(columns)
        return torch.empty(rows, columns).uniform_(-bound, bound, generator=generator)

    first, second = linear(shape.text_hidden, shape.vision_hidden), linear(shape.text_hidden, shape.text_hidden)
    spread = float((torch.nn.functional.gelu(features.float() @ first.T) @ second.T).std())
    second *= embedding_std / max(spread, 1e-6)
    return {
        f"{PREFIX}linear_1.weight": first,
        f"{PREFIX}linear_1.bias": torch.zeros(shape.text_hidden),
        f"{PREFIX}linear_2.weight": second,
        f"{PREFIX}linear_2.bias": torch.zeros(shape.text_hidden),
    }


def save(folder: Path, description: dict[str, Any], weights: dict[str, torch.Tensor]) -> None:
    """Write stage 1's output. The weights are written last: their presence means complete.

    Args:
        folder: of the output.
        description: a composed model's ProjectorShape, or a native model's type.
        weights: by their names in the model, without the leading `model.`.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    with atomic_write(folder / WEIGHTS) as partial:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, partial)


def load(folder: Path) -> dict[str, torch.Tensor]:
    """Read the projector's tensors, by their LLaVA names.

    Raises:
        RecipeError: the folder holds no readable projector.
    """
    from safetensors.torch import load_file

    try:
        return load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise RecipeError(f"{folder / WEIGHTS}: not a readable projector ({error}). Train stage 1 again.") from error


def tensor_shapes(shape: ProjectorShape) -> dict[str, list[int]]:
    """Return the shapes of the projector's tensors, by name."""
    text, vision = shape.text_hidden, shape.vision_hidden
    return {
        f"{PREFIX}linear_1.weight": [text, vision],
        f"{PREFIX}linear_1.bias": [text],
        f"{PREFIX}linear_2.weight": [text, text],
        f"{PREFIX}linear_2.bias": [text],
    }


def check(folder: Path, shape: ProjectorShape, models: dict[str, Any]) -> None:
    """Check that a stage 1 folder holds a projector for this base and tower.

    Args:
        folder: stage 1's output.
        shape: the sizes that it has to match.
        models: configurations of the base and the tower, as `finished.json` keeps them.

    Raises:
        RecipeError: a file is missing, stage 1 is not finished, or the projector belongs to other models.
    """
    lacking = [name for name in (WEIGHTS, CONFIG, FINISHED) if not (folder / name).is_file()]
    if lacking:
        raise RecipeError(
            f"projector.init_from: {folder} holds no {' and no '.join(lacking)}. Run the recipe's stage 1 to its end "
            "first (`axolotl train recipes/…_stage1.yml`), or leave init_from out for a new projector."
        )
    saved = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    wrong = [
        f"{key} {saved.get(key)!r}, here {value!r}" for key, value in asdict(shape).items() if saved.get(key) != value
    ]
    finished = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
    wrong += [f"another {part}" for part, config in models.items() if finished.get(part) != config]
    if not wrong and {name: list(tensor.shape) for name, tensor in load(folder).items()} != tensor_shapes(shape):
        wrong = ["its tensors are not those of its configuration"]
    if wrong:
        raise RecipeError(
            f"projector.init_from: {folder} was trained for another base or tower ({'; '.join(wrong)}). "
            "Name the stage 1 folder of this base and tower."
        )

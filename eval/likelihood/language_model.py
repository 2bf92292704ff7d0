"""The language model inside a checkpoint, as lm-eval's own Hugging Face model.

A vision-language model without an image computes exactly what its language model computes, so lm-eval gets the loaded
model itself, not a name, which AutoModelForCausalLM would refuse.
"""

from __future__ import annotations

import importlib.util
import logging
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, override

from eval.benchmarks.multiple_choice import ChoiceBenchmark, Task
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError, say

if TYPE_CHECKING:
    from lm_eval.api.model import TemplateLM
    from lm_eval.api.task import ConfigurableTask

    from eval.model import Checkpoint


def language_model(checkpoint: Checkpoint, *, chat_template: bool = False) -> TemplateLM:
    """Load a checkpoint for lm-eval; a model that the engine has already loaded is shared.

    Raises:
        EvalError: the checkpoint cannot be loaded, lacks the chat template that was asked for, or its engine computes
            no likelihoods.
    """
    quiet()
    if checkpoint.engine_name == "vllm":
        from eval.likelihood.vllm_model import VllmLanguageModel

        return VllmLanguageModel(checkpoint.engine)  # type: ignore[arg-type]  # of that name
    from lm_eval.models.huggingface import HFLM

    class LanguageModel(HFLM):
        """lm-eval's model, with text as content parts for the chat template of a vision-language model."""

        @override
        def apply_chat_template(self, chat_history: list[dict[str, Any]], add_generation_prompt: bool = True) -> str:
            turns = [in_parts(turn) for turn in chat_history] if checkpoint.sees else chat_history
            return super().apply_chat_template(turns, add_generation_prompt)

    model, tokenizer = _loaded(checkpoint)
    if chat_template and not tokenizer.chat_template:
        raise EvalError(f"{checkpoint.folder}: there is no chat template. Run without --chat-template.")
    return LanguageModel(
        pretrained=model,
        backend="causal",
        tokenizer=tokenizer,
        max_length=model.config.get_text_config().max_position_embeddings,
        batch_size=checkpoint.batch_size,
    )


def in_parts(turn: dict[str, Any]) -> dict[str, Any]:
    """Return a turn with its text as the only content part."""
    return {**turn, "content": [{"type": "text", "text": turn["content"]}]}


def _loaded(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """Return model and tokenizer. A base model without chat template has no engine, but still has likelihoods."""
    if not (checkpoint.sees or _has_chat_template(checkpoint.folder)):
        return _without_template(checkpoint.folder, checkpoint.dtype, checkpoint.device)
    engine = checkpoint.engine
    if not isinstance(engine, TransformersEngine):
        raise EvalError("Benchmarks that are scored by likelihood need --engine transformers or vllm.")
    return engine.model, engine.tokenizer


def _has_chat_template(folder: Path) -> bool:
    from transformers import AutoTokenizer

    return bool(AutoTokenizer.from_pretrained(folder, local_files_only=True).chat_template)


@lru_cache(maxsize=1)
def _without_template(folder: Path, dtype: str, device: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    say(f"loading {folder} ({dtype} on {device}), which has no chat template")
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype), local_files_only=True)
        return model.to(device).eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise EvalError(f"{folder}: transformers cannot load this checkpoint. {error}") from error


OURS = Path(__file__).parent / "tasks"
EXAMPLE_SEED = 1234
"""lm-eval's default seed for drawing few-shot examples."""


def make_task(benchmark: ChoiceBenchmark, shots: int) -> ConfigurableTask:
    """Return the task over the benchmark's documents, in their order; few-shot examples are read only for `shots` > 0.

    Raises:
        EvalError: there are too few examples, a file cannot be read, or this version of lm-eval lacks the task.
    """
    from datasets import Dataset, DatasetDict
    from lm_eval.tasks import TaskManager

    quiet()
    examples = benchmark.examples() if shots else []
    if shots > len(examples):
        raise EvalError(f"{benchmark.name}: only {len(examples)} examples for --shots {shots}.")
    splits = {benchmark.EXAMPLE_SPLIT: examples} if benchmark.EXAMPLE_SPLIT else {}
    splits[benchmark.TEST_SPLIT] = [question.document for question in benchmark.questions()]
    data = DatasetDict({split: Dataset.from_list(documents) for split, documents in splits.items()})
    manager = TaskManager(include_defaults=False, include_path=str(task_folder(benchmark.task)))
    name = benchmark.task.name
    if name not in manager.all_tasks:
        raise EvalError(
            f"{benchmark.name}: lm-eval {version('lm-eval')} has no task {name}. Install the pinned version."
        )
    task: ConfigurableTask = manager.load_config({"task": name, "custom_dataset": lambda **_: data})[name]
    task.set_config("num_fewshot", shots)
    task.set_fewshot_seed(EXAMPLE_SEED)
    return task


def quiet() -> None:
    """Silence warnings that do not apply: data and models passed as objects; truncated prompts, which `cut` records."""
    from datasets.utils import disable_progress_bars

    disable_progress_bars()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)


def task_folder(task: Task) -> Path:
    """Return the folder of a task's configuration, in lm-eval or beside this file."""
    if not task.folder:
        return OURS
    found = importlib.util.find_spec("lm_eval")
    if found is None or not found.submodule_search_locations:
        raise EvalError("lm-eval is not installed. It comes with axolotl: install the project as its README says.")
    return Path(found.submodule_search_locations[0]) / "tasks" / task.folder

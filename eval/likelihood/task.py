"""A task of lm-eval, with its prompts, options and metrics, over local data: the Hub is never queried."""

from __future__ import annotations

import importlib.util
import logging
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from eval.benchmarks.multiple_choice import ChoiceBenchmark, Task
from eval.errors import EvalError

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

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

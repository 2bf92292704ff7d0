"""The USMLE self-assessment of MedAlpaca: the sample questions of Steps 1 to 3, without those that show an image.

stepN.json is a list of {"no", "question", "options": {letter: text}}; stepN_solutions.json gives the letter of each
`no`; question_with_images.json lists the `no` of the questions with images, by step.
Source: huggingface.co/datasets/medalpaca/medical_meadow_usmle_self_assessment. The paper counts 325 questions; the
table in MedAlpaca's README adds up to 324 (92, 110, 122).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar, override

from data_prep.rows import Rejected
from eval.benchmark import About
from eval.benchmarks.multiple_choice import ChoiceBenchmark, Question, Task, lettered

STEPS = ("step1", "step2", "step3")
WITH_IMAGES = "question_with_images.json"


class Usmle(ChoiceBenchmark):
    """The self-assessment; it has no split that few-shot examples could come from."""

    ABOUT = About(
        title="USMLE self-assessment",
        table="Table 2",
        get="https://huggingface.co/datasets/medalpaca/medical_meadow_usmle_self_assessment",
        licence="unknown",
        split="all three steps without the questions that show a picture: 324 in its files (its page says 325)",
        size=324,
        layout=(*(f"{step}{kind}.json" for step in STEPS for kind in ("", "_solutions")), WITH_IMAGES),
        redistribute=False,
    )
    FOLDER: ClassVar[str] = "usmle"
    EXAMPLE_SPLIT: ClassVar[str | None] = None

    @property
    def task(self) -> Task:
        """Our own; lm-eval has none."""
        return Task("usmle_self_assessment")

    @override
    def missing(self, split: str) -> list[str]:
        names = [name for name in self.ABOUT.layout if not (self.folder / name).is_file()]
        return [f"{self.folder} has no {', '.join(names)}"] if names else []

    @override
    def read(self, split: str) -> Iterator[Question | Rejected]:
        """Raises ValueError for a file of another kind."""
        shown = self._json(WITH_IMAGES, dict)
        for step in STEPS:
            solutions = self._json(f"{step}_solutions.json", dict)
            pictured = {str(number) for number in shown.get(step, ())}
            for place, row in enumerate(self._json(f"{step}.json", list), start=1):
                # A question without options asks about a chart or a drawing that the dataset does not have.
                if str(row.get("no")) not in pictured and row.get("options"):
                    yield _question(f"usmle-{step}-{row.get('no', f'row {place}')}", row, solutions)

    def _json(self, name: str, kind: type[Any]) -> Any:
        path = self.folder / name
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, kind):
            raise ValueError(f"{path}: {type(content).__name__} instead of {kind.__name__}; download it again")
        return content


def _question(row_id: str, row: dict[str, Any], solutions: dict[str, str]) -> Question | Rejected:
    try:
        letters = sorted(row["options"])
        options = [row["options"][name] for name in letters]
        right = letters.index(solutions[str(row["no"])].strip().upper())
        document = {"question": row["question"], "letters": letters, "options": options, "label": right}
        return lettered(row_id, row["question"], options, right, document, count=None)
    except (KeyError, TypeError, ValueError) as error:
        return Rejected(row_id, "bad_row", f"{type(error).__name__}: {error}")

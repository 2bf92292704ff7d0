"""BiMed-MBench (Tables 3 and 4): 193 questions on figures, in English and in Arabic, judged beside GPT-4's answers.

A judge that sees the figure's caption, not the figure, grades the reference answer (Assistant 1) and the candidate's
(Assistant 2) from 1 to 10. A row's value is the candidate's grade over the reference's, and a score is the mean of
these ratios, not the ratio of the means. The paper's judge is gpt-4o-2024-08-06 at temperature 0, asked once, in one
order. Its candidates answered at temperature 0.1; here decoding is greedy. Its English and its Arabic table are of two
different checkpoints.

judge.relative: verdicts off the scale are in no mean, and translated types count as what they are.
judge.relative_official: as the published summary has it. It knows types by their English names alone, so that its
Arabic columns by type leave out the rows whose type is translated; and it takes any two numbers.
judge.relative_swapped: the candidate's answer stood first. judge.relative_repeated: the mean of repeated verdicts.
Source: github.com/mbzuai-oryx/BiMediX2, BiMed-MBench/.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, override

from data_prep.rows import Reject
from data_prep.sources import bimed_mbench as source
from data_prep.tables.table import TableError, all_rows
from eval.benchmark import About, Group, Metric, Metrics, Verdict, group_of, ids
from eval.errors import EvalError
from eval.items import Item, Prediction, Predictions
from eval.judge.grades import OFFICIAL, RELATIVE, note_of, relative_outcomes
from eval.judge.instructions import Instructions, JudgedBenchmark, from_script, own

FOLDER = "BiMed-MBench"

_SCRIPTS = {"en": "eval_multimodal_chat_gpt_score.py", "ar": "eval_multimodal_chat_gpt_score_ara.py"}
_SCRIPT_FOLDERS = ("eval", "BiMed-MBench/eval", "")


class _BimedMbench(JudgedBenchmark):
    """One language of the benchmark."""

    LANGUAGE: ClassVar[str]
    MAX_NEW_TOKENS: ClassVar[int] = 1024
    PAIRS: ClassVar[bool] = True

    @override
    def problems(self) -> list[str]:
        """Files that are not there."""
        return [f"{problem}; {self.ABOUT.get}" for problem in self._source().problems()]

    @override
    def items(self) -> list[Item]:
        """One item a question, with all that the judge is told of it."""
        try:
            return list(self._items())
        except TableError as error:
            raise EvalError(str(error)) from error

    @override
    def image(self, name: str) -> bytes:
        """The bytes of a figure."""
        try:
            return self._source().load(name).data
        except Reject as reject:
            raise EvalError(f"{self.name}: {reject.detail}") from reject

    @override
    def instructions(self) -> Instructions:
        """The published instructions out of the clone that the data is in, else our own."""
        paths = [self.root / FOLDER / folder / _SCRIPTS[self.LANGUAGE] for folder in _SCRIPT_FOLDERS]
        return from_script(paths, "INSTRUCT_PROMPT") or own(f"bimed_mbench_{self.LANGUAGE}")

    @override
    def question(self, instructions: Instructions, line: Prediction, *, swapped: bool) -> str:
        """What is known of the figure, the question, both answers, and the instructions, laid out as published."""
        facts = line.facts
        answers = [facts["reference"], line.output]
        first, second = reversed(answers) if swapped else answers
        return (
            f"[Context]\nFigure Caption:\n{facts['label']}: {facts['caption']}\n\n"
            f"Figure Context:\n\t- {facts['mentions']}\n\n"
            f"[Question]\n{facts['question']}\n\n"
            f"[Assistant 1]\n{first}\n\n[End of Assistant 1]\n\n"
            f"[Assistant 2]\n{second}\n\n[End of Assistant 2]\n\n"
            f"[System]\n{instructions.text}\n\n"
        )

    @override
    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        """Every metric overall, and the two of single verdicts by type and by domain too."""
        found = relative_outcomes(predictions.lines, verdicts)
        note = note_of(verdicts)
        return {metric: Metric(values, _groups(metric, predictions.lines), note) for metric, values in found.items()}

    def _source(self) -> source.BimedMbench:
        return source.BimedMbench(path=str(self.root / FOLDER), language=self.LANGUAGE)

    def _items(self) -> Iterator[Item]:
        reader, seen = self._source(), set()
        table = reader.tables()[0]
        for read, (place, row) in zip(source.items(reader.file), all_rows(table), strict=True):
            assert isinstance(row, dict)  # `items` has raised TableError for a row that is none
            row_id = reader.row_id(place, row)
            if row_id in seen:
                raise EvalError(f"{reader.file}: {place}: question_id {read.question_id} is there twice. Take one out.")
            seen.add(row_id)
            yield self._item(row_id, row, read)

    def _item(self, row_id: str, row: dict[str, Any], read: source.Item) -> Item:
        sample = self._source().sample(row_id, row)
        facts = {
            "type": read.type,
            "file_type": row["type"],
            "domain": read.domain,
            "question": row["text"],
            "reference": row["gpt4_answer"],
            "label": row["fig_label"],
            "caption": row["fig_caption"],
            "mentions": row.get("in_text_mention"),
        }
        content = [{"type": "image"}, {"type": "text", "text": read.question}]
        return Item(
            id=row_id,
            language=self.LANGUAGE,
            task=sample.task,
            modality=sample.modality,
            messages=({"role": "user", "content": content},),
            images=(read.image,),
            question=read.question,
            gold=read.answer,
            facts=facts,
        )


def _about(title: str, table: str, file: str) -> About:
    return About(
        title=title,
        table=table,
        get="clone https://github.com/mbzuai-oryx/BiMediX2 and put its folder BiMed-MBench there; the published "
        "instructions to the judge are read from it too",
        licence="unknown",
        split="test, 193 questions on 54 figures",
        size=193,
        layout=(f"{FOLDER}/data/test_sets/{file}", f"{FOLDER}/data/test_sets/images/", f"{FOLDER}/eval/"),
        redistribute=False,
    )


class BimedMbenchEnglish(_BimedMbench):
    """Table 3."""

    ABOUT: ClassVar[About] = _about("BiMed-MBench, English", "Table 3", "llava_med_eval_qa50_qa.jsonl")
    LANGUAGE: ClassVar[str] = "en"


class BimedMbenchArabic(_BimedMbench):
    """Table 4."""

    ABOUT: ClassVar[About] = _about("BiMed-MBench, Arabic", "Table 4", "llava_med_eval_qa50_qa_arabic_verified.jsonl")
    LANGUAGE: ClassVar[str] = "ar"


def _groups(metric: str, lines: Sequence[Prediction]) -> list[Group]:
    """All rows, the rows of each type, of each domain. The official summary knows a type by its English name alone."""
    overall = Group({}, ids(lines))
    if metric not in (RELATIVE, OFFICIAL):
        return [overall]
    key = "type" if metric == RELATIVE else "file_type"
    types = [
        Group({"type": name}, group_of(lines, key, name).items) for name in (source.CONVERSATION, source.DESCRIPTION)
    ]
    domains = [Group({"modality": name}, group_of(lines, "domain", name).items) for name in source.DOMAINS]
    return [overall, *(group for group in (*types, *domains) if group.items)]

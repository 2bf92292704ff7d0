"""PubMedQA: questions from article titles, the abstract without its conclusion, and the answer yes, no or maybe.

Three formats are read: the original ori_pqa{a,l,u}.json, one object of {PMID: {QUESTION, CONTEXTS, LONG_ANSWER,
final_decision}}, the Hub's Parquet (`pubid`, `question`, `context`, `long_answer`, `final_decision`), and Open Life
Science AI's nested rows of the labelled part. Which 500 of the 1,000 labelled rows are the benchmark is listed in
data/test_ground_truth.json of the repository; the nested rows come in files of their own for each split.
Source: github.com/pubmedqa/pubmedqa, huggingface.co/datasets/qiaojin/PubMedQA, openlifescienceai/pubmedqa.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

from data_prep import manifest
from data_prep.rows import Reject, Rejected, Sample
from data_prep.sources import hub, split_files
from data_prep.sources.nested import nested_question
from data_prep.sources.source import About, field, own_id, wrong_choice, wrong_file
from data_prep.sources.split_files import Files
from data_prep.sources.text_source import TextSource, explained, first_found, forms_at, table_of
from data_prep.tables.json_object import pairs
from data_prep.tables.table import ChangedTable, GeneratedTable, Mark, Table, TableError

_FILES = {"artificial": "ori_pqaa.json", "labeled": "ori_pqal.json", "unlabeled": "ori_pqau.json"}
_TEST_LISTS = tuple(f"{folder}{name}.json" for folder in ("", "data/") for name in ("test_ground_truth", "test_set"))


@dataclass(frozen=True, kw_only=True)
class Pubmedqa(TextSource):
    """`part` is artificial, labeled or unlabeled. Only the labelled part has a test split.

    `test_ids` is the JSON object whose keys are the test split's PMIDs; by default it is searched for under `path`.
    """

    ABOUT: ClassVar[About] = About(
        title="PubMedQA",
        get="https://huggingface.co/datasets/qiaojin/PubMedQA, or the files that github.com/pubmedqa/pubmedqa links to",
        licence="MIT",
        redistribute=True,
        layout=(
            "ori_pqaa.json",
            "ori_pqal.json",
            "ori_pqau.json",
            "test_ground_truth.json",
            "or pqa_artificial/*.parquet",
        ),
    )
    SPLITS: ClassVar[tuple[str, ...]] = ("train", "test")

    part: str = "artificial"
    test_ids: str = ""

    def problems(self) -> list[str]:
        """Also an unknown part, and a missing list of test ids for the labelled part."""
        found = wrong_choice("part", self.part, tuple(_FILES)) or super().problems()
        if not found and self.split == "test" and self.part != "labeled":
            found.append(f"split: part {self.part} has no test split; wanted: part: labeled")
        if not found and self._lists_test:
            if self._test_list is None:
                found.append(
                    f"test_ids: {self.path} has none of {', '.join(_TEST_LISTS)}, which list the rows of the "
                    "benchmark; take test_ground_truth.json from github.com/pubmedqa/pubmedqa (data/)"
                )
            else:
                found += wrong_file("test_ids", self._test_list)
        return found

    def patterns(self) -> tuple[str, ...]:
        """The Hub's files, or else the original ones."""
        name = _FILES[self.part]
        return f"pqa_{self.part}/*.parquet", name, f"data/{name}"

    def tables(self) -> list[Table]:
        """The Hub's files, or the pairs of an original file; nested rows are in the original's format."""
        return [
            GeneratedTable(path, partial(_articles, path))
            if path.suffix == ".json"
            else ChangedTable(table_of(path), original_format)
            for path in self.files()
        ]

    def inputs(self) -> dict[str, str | int]:
        """Also the list of test ids."""
        listed = self._test_list if self._lists_test else None
        return super().inputs() | ({listed.name: manifest.sha256(listed)} if listed else {})

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The article's PMID, or else the part and the place in its file."""
        return f"pubmedqa-{own_id(row, 'pubid', f'{self.part}-{place}')}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        """The abstract and the question, answered by the decision and the abstract's conclusion. Raises Reject."""
        if self._lists_test and (str(row.get("pubid")) in self._tested) != (self.split == "test"):
            return None
        context = row.get("CONTEXTS", row.get("context"))
        texts = context.get("contexts") if isinstance(context, dict) else context
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Reject("bad_row", "no list of texts under 'CONTEXTS' or 'context'")
        question = "\n".join(text.strip() for text in texts) + "\n\n" + field(row, "QUESTION", "question")
        decision = "" if self.part == "unlabeled" else field(row, "final_decision")
        answer = explained(decision, field(row, "LONG_ANSWER", "long_answer"))
        return self.exchange(row_id, [question, answer], "text_qa")

    @cached_property
    def _forms(self) -> list[Files]:
        found = forms_at(self.path, self.patterns(), ("train",), f"pqa_{self.part}")
        if self.part != "labeled":
            return found
        nested = [one for one in self._nested if _is_nested(one) or (one.wrong and one not in found)]
        return [*(one for one in found if not _is_nested(one)), *nested]

    @cached_property
    def _nested(self) -> list[Files]:
        """The forms that nested rows may have: the files of the test split, or those of the other two."""
        place = hub.locate(self.path)
        if self.split == "test":
            return split_files.on_the_hub(place, ("test",))
        train, validation = (split_files.on_the_hub(place, (split,)) for split in ("train", "validation"))
        rest = {one.form: one for one in reversed(validation)}
        return [
            Files(one.form, one.paths + rest[one.form].paths, one.wrong or rest[one.form].wrong)
            if one.form in rest
            else one
            for one in train
        ]

    @cached_property
    def _lists_test(self) -> bool:
        """Whether one file holds both splits, which the list of test ids separates."""
        chosen = split_files.choose(self._forms)
        return self.part == "labeled" and (chosen is None or not _is_nested(chosen))

    @cached_property
    def _test_list(self) -> Path | None:
        if self.test_ids:
            return Path(self.test_ids)
        return next(iter(first_found(self.path, _TEST_LISTS)), None)

    @cached_property
    def _tested(self) -> frozenset[str]:
        return frozenset(pmid for pmid, _ in pairs(self._test_list)) if self._test_list else frozenset()


def _articles(path: Path) -> Iterator[tuple[str, dict[str, Any] | Rejected]]:
    """The articles of an original file, each with its PMID as `pubid`, as on the Hub."""
    for number, (pmid, article) in enumerate(pairs(path), start=1):
        place = f"item {number}"
        if isinstance(article, dict):
            yield place, {"pubid": pmid, **article}
        else:
            yield place, Rejected(place, "bad_json", f"{path}: {pmid}: {type(article).__name__} instead of an object")


def original_format(row: dict[str, Any]) -> dict[str, Any]:
    """A nested row in the original's format, and any other row as it is."""
    nested = nested_question(row)
    if nested is None:
        return row
    return {
        "pubid": row.get("id"),
        "QUESTION": nested.text,
        "CONTEXTS": nested.context,
        "LONG_ANSWER": nested.explanation,
        "final_decision": nested.answer,
    }


def _is_nested(files: Files) -> bool:
    if files.wrong or files.paths[0].suffix not in (".parquet", ".arrow"):
        return False
    try:
        first = next(table_of(files.paths[0]).rows(Mark(0, 0), 1), None)
    except TableError:
        return False
    return first is not None and isinstance(first[1], dict) and nested_question(first[1]) is not None

"""PubMedQA: questions from article titles, the abstract without its conclusion, and the answer yes, no or maybe.

Two formats are read: the original ori_pqa{a,l,u}.json, one object of {PMID: {QUESTION, CONTEXTS, LONG_ANSWER,
final_decision}}, and the Hub's Parquet (`pubid`, `question`, `context`, `long_answer`, `final_decision`). Which 500
of the 1,000 labelled rows are the benchmark is listed only in data/test_ground_truth.json of the repository.
Source: github.com/pubmedqa/pubmedqa, huggingface.co/datasets/qiaojin/PubMedQA.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

from data_prep import manifest
from data_prep.rows import Reject, Rejected, Sample
from data_prep.sources.source import About, field, own_id, wrong_choice, wrong_file
from data_prep.sources.text_source import TextSource, explained, first_found, table_of
from data_prep.tables.json_object import pairs
from data_prep.tables.table import GeneratedTable, Table

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
        if not found and self.part == "labeled":
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
        """The Parquet files, or the pairs of an original file."""
        return [
            table_of(p) if p.suffix == ".parquet" else GeneratedTable(p, partial(_articles, p)) for p in self.files()
        ]

    def inputs(self) -> dict[str, str | int]:
        """Also the list of test ids."""
        listed = self._test_list if self.part == "labeled" else None
        return super().inputs() | ({listed.name: manifest.sha256(listed)} if listed else {})

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The article's PMID, or else the part and the place in its file."""
        return f"pubmedqa-{own_id(row, 'pubid', f'{self.part}-{place}')}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        """The abstract and the question, answered by the decision and the abstract's conclusion. Raises Reject."""
        if self.part == "labeled" and (str(row.get("pubid")) in self._tested) != (self.split == "test"):
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

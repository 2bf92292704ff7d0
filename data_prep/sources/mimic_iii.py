"""MIMIC-III: radiology reports of CT and MR studies; the task is to summarise the findings as the impression.

NOTEEVENTS.csv holds notes of every kind. Selected are those whose DESCRIPTION names CT or MR and one of head, neck,
sinuses, spine, chest, abdomen and pelvis: MultiMedEval's eleven groups, including spellings that its list lacks. As in
MultiMedEval, the report is the text after FINAL REPORT, page breaks are removed, a report must have exactly one
impression, and [**…**] becomes ___. Unlike there, case is kept, and if no section is called findings, the sections
named after the study or the region are joined.
Source: physionet.org/content/mimiciii/1.4, MultiMedEval 1.0 (mimic_iii.py), HF croyer/MIMIC-III-split (test ids).
"""

import csv
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from data_prep import manifest
from data_prep.rows import Reject, Sample
from data_prep.sources.report_sections import FINDINGS, IMPRESSION, sections
from data_prep.sources.source import About, field, own_id, wrong_choice, wrong_file
from data_prep.sources.text_source import TextSource, first_found

INSTRUCTION = "Summarize the findings."

_PLACES = ("", "mimiciii/1.4/", "physionet.org/files/mimiciii/1.4/")
_MODALITY = re.compile(r"\b(CTA?|MR[AIV]?)\b")
_REGION = re.compile(r"\b(HEAD|BRAIN|NECK|SINUS|SPINE|CERVICAL|THORACIC|LUMBAR|CHEST|ABD|ABDOMEN|PELVIS)\b")
_NO_FINDINGS = re.compile(r"\b(TECH\w*|INDICATION|REASON|HISTORY|COMPARISONS?|EXAM\w*|CLINICAL|PROCEDURE|ADDENDUM)\b")
_PAGE_BREAK = re.compile(r"\(Over\).*?\(Cont\)", re.DOTALL)
_REMOVED = re.compile(r"\[\*\*.*?\*\*\]", re.DOTALL)
_ID_COLUMNS = ("ids", "ROW_ID", "row_id")


@dataclass(frozen=True, kw_only=True)
class MimicIii(TextSource):
    """`test_ids` is a file of the test split's ROW_IDs, one per line or in a CSV column `ids`; the rest is `train`.

    Without it every report is in `train`.
    """

    ABOUT: ClassVar[About] = About(
        title="MIMIC-III radiology reports",
        get="https://physionet.org/content/mimiciii/1.4: a credentialed account, its training and the signed agreement",
        licence="PhysioNet Credentialed Health Data License 1.5.0",
        redistribute=False,
        layout=("NOTEEVENTS.csv",),
    )
    SPLITS: ClassVar[tuple[str, ...]] = ("train", "test")

    test_ids: str = ""

    def patterns(self) -> tuple[str, ...]:
        """The file, inside or outside the folders that wget creates."""
        return tuple(f"{place}NOTEEVENTS.csv" for place in _PLACES)

    def problems(self) -> list[str]:
        """Also a table that is still compressed, and a missing list of test ids."""
        packed = first_found(self.path, tuple(f"{place}.gz" for place in self.patterns()))
        found = wrong_choice("split", self.split, self.SPLITS)
        if packed and not self.files():
            found.append(f"path: {packed[0]} is packed; unpack it with: gunzip -k {packed[0]}")
        if self.split == "test" and not self.test_ids:
            found.append("test_ids: this key is required for split: test; the ids are in HF croyer/MIMIC-III-split")
        if self.test_ids:
            found += wrong_file("test_ids", self.test_ids) or self._wrong_ids()
        return found or super().problems()

    def form(self) -> str:
        """The file, compressed or not, in its folder."""
        packed = first_found(self.path, tuple(f"{place}.gz" for place in self.patterns()))
        return ", ".join(str(path.relative_to(self.path)) for path in self.files() or packed)

    def inputs(self) -> dict[str, str | int]:
        """Also the file of ids."""
        listed = Path(self.test_ids)
        return super().inputs() | ({listed.name: manifest.sha256(listed)} if self.test_ids else {})

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The note's ROW_ID, or else its place in the file."""
        return f"mimic_iii-{own_id(row, 'ROW_ID', place)}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        """The findings and their impression; None for notes of other kinds. Raises Reject."""
        description = field(row, "DESCRIPTION").upper()
        if not (_MODALITY.search(description) and _REGION.search(description)):
            return None
        if (field(row, "ROW_ID") in self._tested) != (self.split == "test"):
            return None
        if str(row.get("ISERROR") or "0").startswith("1"):
            raise Reject("bad_row", "ISERROR is 1: a physician found the note to be an error")
        findings, impression = parts(field(row, "TEXT"))
        patient = str(row.get("SUBJECT_ID") or "")
        turns = [f"{findings}\n{INSTRUCTION}", impression]
        return self.exchange(row_id, turns, "summary", group=f"mimic_iii-{patient}" if patient else "")

    @cached_property
    def _tested(self) -> frozenset[str]:
        return _ids(Path(self.test_ids)) if self.test_ids else frozenset()

    def _wrong_ids(self) -> list[str]:
        wrong = sorted(name for name in self._tested if not name.isdecimal())
        if self._tested and not wrong:
            return []
        what = f"{wrong[0]!r} is no ROW_ID" if wrong else "it has no ids"
        return [f"test_ids: {self.test_ids}: {what}; wanted: one number a line, or a CSV column `ids`"]


def parts(text: str) -> tuple[str, str]:
    """The findings and the impression of a note. Raises Reject: bad_row, empty_question or empty_answer."""
    _, final, report = text.partition("FINAL REPORT")
    if not final:
        raise Reject("bad_row", "no FINAL REPORT")
    found = sections(_REMOVED.sub("___", _PAGE_BREAK.sub("", report)))
    impressions = [section.text for section in found if section.name == IMPRESSION]
    if len(impressions) != 1:
        reason = "bad_row" if impressions else "empty_answer"
        raise Reject(reason, f"{len(impressions)} impressions instead of one")
    named = [section.text for section in found if section.name == FINDINGS]
    described = [section.text for section in found if not section.name and _describes(section.heading.upper())]
    findings = named[:1] or described
    if not findings:
        raise Reject("empty_question", "the report has no findings")
    return " ".join(findings), impressions[0]


def _describes(heading: str) -> bool:
    names_it = _MODALITY.search(heading) or _REGION.search(heading)
    return bool(names_it) and not _NO_FINDINGS.search(heading)


def _ids(path: Path) -> frozenset[str]:
    """The ids of a list of numbers, or of a CSV file's column of ids."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    column = next((rows[0].index(name) for name in _ID_COLUMNS if rows and name in rows[0]), None)
    if column is None:
        return frozenset(row[0] for row in rows)
    return frozenset(row[column] for row in rows[1:] if len(row) > column)

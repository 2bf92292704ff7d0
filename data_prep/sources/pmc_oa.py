"""PMC-OA: figures of PubMed Central's open articles with their captions (Lin et al. 2023, arXiv:2303.07240).

`path` holds pmc_oa.jsonl, with one caption per sub-figure, or pmc_oa_beta.jsonl, with whole captions; or, as its first
revision, train.jsonl, valid.jsonl and test.jsonl; and images.zip or its unpacked folder. A row is {"image", "caption"}.
Captions come without a question, so each gets a short instruction, chosen by the row's id.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Sample
from data_prep.sources import hub
from data_prep.sources.source import About, Source, all_existing, field, first_existing, pmc_article, vqa, wrong_choice
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table

TABLES = ("pmc_oa.jsonl", "pmc_oa_beta.jsonl")
_SPLITS = {"train": "train.jsonl", "validation": "valid.jsonl", "test": "test.jsonl"}
_MEMBERS = "caption_T060_filtered_top4_sep_v0_subfigures"
_IMAGES = (f"images/{_MEMBERS}", _MEMBERS, "images", "images.zip")

INSTRUCTIONS = (
    "Describe this image.",
    "What does this image show?",
    "Write a caption for this figure.",
    "Tell me what can be seen here.",
    "Give a short description of the picture.",
    "Explain what this figure is about.",
    "Summarise the content of this image.",
    "What is depicted in this picture?",
)


@dataclass(frozen=True, kw_only=True)
class PmcOa(Source):
    """`file` selects one if both tables are there; otherwise the existing one is read.

    Only the first revision has splits: `split` is train (where it is the only revision there), validation or test.
    """

    ABOUT: ClassVar[About] = About(
        title="PMC-OA",
        get="https://huggingface.co/datasets/axiong/pmc_oa, open to all; each article has its own licence",
        licence="OpenRAIL",
        redistribute=False,
        layout=(
            "pmc_oa.jsonl or pmc_oa_beta.jsonl",
            "or train.jsonl, valid.jsonl and test.jsonl",
            f"images.zip, images/ or {_MEMBERS}/",
        ),
    )

    path: str
    file: str = ""
    split: str = ""

    @property
    def _folder(self) -> Path:
        return hub.folder(self.path)

    @property
    def _table(self) -> Path:
        chosen = self.file or _SPLITS.get(self.split, self.split)
        return self._folder / chosen if chosen else first_existing(self._folder, (*TABLES, _SPLITS["train"]))

    def problems(self) -> list[str]:
        """An ambiguous choice of table, and missing files."""
        found = wrong_choice("file", self.file, TABLES) if self.file else []
        found += wrong_choice("split", self.split, tuple(_SPLITS)) if self.split else []
        if self.file and self.split:
            found.append(f"split: {self.file} has no splits; leave out `split` or `file`")
        elif not self.file and not self.split and all((self._folder / name).is_file() for name in TABLES):
            found = [f"file: {self.path} holds both; choose one: {' or '.join(TABLES)}"]
        if not found and not self._table.is_file():
            wanted = [self._table.name] if self.file or self.split else [*TABLES, _SPLITS["train"]]
            found = [f"path: {self.path} has none of {', '.join(wanted)}"]
        return [*found, *self.image_folder().problems("path")]

    def form(self) -> str:
        """The tables and the images that are there, the table that is read first."""
        names = dict.fromkeys([self._table.name, *TABLES, *_SPLITS.values()])
        paths = [*(self._folder / name for name in names), *all_existing(self._folder, _IMAGES)]
        return ", ".join(str(path.relative_to(self._folder)) for path in paths if path.exists())

    def notes(self) -> list[str]:
        """Also which of two revisions is read."""
        first = [name for name in _SPLITS.values() if (self._folder / name).is_file()]
        new = [name for name in TABLES if (self._folder / name).is_file()]
        both = f"{self.path} holds {', '.join([*new, *first])}; {self._table.name} is read"
        return [*([both] if first and new else []), *super().notes()]

    def tables(self) -> list[Table]:
        """The JSON Lines."""
        return [JsonTable(self._table)]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The table and the image, which has one row, or else the place in the file; "pmc_oa-train-…" in a split."""
        image = row.get("image")
        name = Path(image).stem if isinstance(image, str) and image else place.replace(" ", "-")
        stem = self._table.stem
        return f"{stem if self._table.name in TABLES else f'pmc_oa-{stem}'}-{name}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """An instruction and the caption of one figure."""
        image = field(row, "image")
        return Sample(
            id=row_id,
            language="en",
            task="caption",
            modality="unknown",
            messages=vqa(instruction(row_id), field(row, "caption")),
            licence=self.terms,
            images=(image,),
            group=pmc_article(image),
        )

    def image_folder(self) -> ImageFolder:
        """The folder and the archive of the figures."""
        return ImageFolder(*all_existing(self._folder, _IMAGES))


def instruction(row_id: str) -> str:
    """The instruction for a row, the same in every build."""
    return INSTRUCTIONS[sha256(row_id.encode()).digest()[0] % len(INSTRUCTIONS)]

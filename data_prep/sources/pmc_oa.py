"""PMC-OA: figures of PubMed Central's open articles with their captions (Lin et al. 2023, arXiv:2303.07240).

`path` holds pmc_oa.jsonl, with one caption per sub-figure, or pmc_oa_beta.jsonl, with whole captions; and images.zip or
its unpacked folder. A row is {"image", "caption"}. Captions come without a question, so each gets a short instruction,
chosen by the row's id.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Sample
from data_prep.sources import hub
from data_prep.sources.source import About, Source, field, first_existing, pmc_article, vqa, wrong_choice, wrong_file
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table

TABLES = ("pmc_oa.jsonl", "pmc_oa_beta.jsonl")
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
    """`file` selects one if both tables are there; otherwise the existing one is read. There are no splits."""

    ABOUT: ClassVar[About] = About(
        title="PMC-OA",
        get="https://huggingface.co/datasets/axiong/pmc_oa, open to all; each article has its own licence",
        licence="OpenRAIL",
        redistribute=False,
        layout=("pmc_oa.jsonl or pmc_oa_beta.jsonl", f"images.zip, images/ or {_MEMBERS}/"),
    )

    path: str
    file: str = ""

    @property
    def _folder(self) -> Path:
        return hub.folder(self.path)

    @property
    def _table(self) -> Path:
        return self._folder / self.file if self.file else first_existing(self._folder, TABLES)

    def problems(self) -> list[str]:
        """An ambiguous choice of table, and missing files."""
        found = wrong_choice("file", self.file, TABLES) if self.file else []
        if not self.file and all((self._folder / name).is_file() for name in TABLES):
            found = [f"file: {self.path} holds both; choose one: {' or '.join(TABLES)}"]
        return [*(found or wrong_file("path", self._table)), *self.image_folder().problems("path")]

    def tables(self) -> list[Table]:
        """The JSON Lines."""
        return [JsonTable(self._table)]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The table and the image, which has one row, or else the place in the file."""
        image = row.get("image")
        name = Path(image).stem if isinstance(image, str) and image else place.replace(" ", "-")
        return f"{self._table.stem}-{name}"

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
        """The folder or the archive of the figures."""
        return ImageFolder(first_existing(self._folder, _IMAGES))


def instruction(row_id: str) -> str:
    """The instruction for a row, the same in every build."""
    return INSTRUCTIONS[sha256(row_id.encode()).digest()[0] % len(INSTRUCTIONS)]

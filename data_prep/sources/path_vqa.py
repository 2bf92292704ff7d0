"""PathVQA: questions on pathology images of two textbooks and the PEIR library (He et al. 2020, arXiv:2003.10286).

Two layouts are read; the first that `path` has completely is used:
- the original, in `path` or in pvqa/ under it: qas/{train,val,test}_vqa.pkl, pickled lists of {"sent", "label",
  "img_id", "question_id", "answer_type"}, and images/{train,val,test}/IMG_ID.jpg. `label` maps answers to scores.
  Without it qas/train/train_qa.pkl (and so on) is read, a list of {"image", "question", "answer"}: the image is an
  IMG_ID, and there are neither ids nor types.
- the Hub's dataset, in any form of data_prep/sources/split_files.py: question, answer and image, duplicate rows
  dropped. Their groups are empty, so splits are drawn by image.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Reject, Sample
from data_prep.sources.hub_vqa import HubVqa, table_and_images
from data_prep.sources.labels import vqa_task
from data_prep.sources.source import About, field, folder_with, own_id, vqa
from data_prep.sources.split_files import Files
from data_prep.tables.pickles import PickleTable
from data_prep.tables.table import Table

_SPLITS = {"train": "train", "validation": "val", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class PathVqa(HubVqa):
    """`path` is the folder of either layout; `split` is train, validation or test."""

    ABOUT: ClassVar[About] = About(
        title="PathVQA",
        get="https://github.com/UCSD-AI4H/PathVQA or https://huggingface.co/datasets/flaviagiammarino/path-vqa, "
        "open to all; the images' copyrights stay with the publishers of the books and the owners of PEIR",
        licence="MIT",
        redistribute=False,
        layout=(
            "pvqa/qas/{train,val,test}_vqa.pkl and pvqa/images/{train,val,test}/",
            "or pvqa/qas/{train/train,val/val,test/test}_qa.pkl and the same images",
            "or data/{train,validation,test}-*.parquet",
        ),
    )

    SPLITS: ClassVar[tuple[str, ...]] = tuple(_SPLITS)

    @property
    def folder(self) -> Path:
        """The folder of the source's files."""
        return folder_with(super().folder, ("pvqa",), ("qas", "images"))

    def original(self) -> list[Files]:
        """The split's pickles, the one with types first, and the images of all splits."""
        images = [self.folder / "images"]
        found = (table_and_images(f"{name} and images/", self.folder / name, images) for name in self._pickles)
        return [files for one in found for files in one]

    def wanted(self) -> str:
        """The pickles, or the files of the split."""
        return f"{' nor '.join(self._pickles)} nor data/{self.split}-*.parquet"

    @property
    def _pickles(self) -> tuple[str, str]:
        short = _SPLITS[self.split]
        return f"qas/{short}_vqa.pkl", f"qas/{short}/{short}_qa.pkl"

    @property
    def typed(self) -> bool:
        """Whether the rows say of what type their answer is."""
        return any(path.name.endswith("_vqa.pkl") for path in self.paths)

    def tables(self) -> list[Table]:
        """The split's pickle, or its files of the Hub."""
        return [PickleTable(path) for path in self.paths] if self.is_original else self.shards()

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """By the split and `question_id` or the place; on the Hub by the split and the row."""
        number = row["_row"] if "_row" in row else own_id(row, "question_id", place)
        return f"path_vqa-{self.split}-{number}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """A question on one image."""
        embedded = "_row" in row
        answer = field(row, "answer") if "answer" in row else _best(row.get("label"))
        closed = None if "answer_type" not in row else str(row["answer_type"]).strip().lower() == "yes/no"
        image = "" if embedded else field(row, "img_id", "image").removesuffix(".jpg")
        return Sample(
            id=row_id,
            language="en",
            task=vqa_task(answer, closed),
            modality="pathology",
            messages=vqa(field(row, "question", "sent"), answer),
            licence=self.terms,
            images=(self.image_name(row) if embedded else f"{_SPLITS[self.split]}/{image}.jpg",),
            group="" if embedded else f"path_vqa-{image}",
        )

    def image_folder(self) -> ImageFolder | None:
        """The original's images."""
        return ImageFolder(self.folder / "images") if self.is_original else None


def _best(label: Any) -> str:
    """The answer with the highest score."""
    if not isinstance(label, dict):
        raise Reject("bad_row", f"'label' is {label!r}; wanted: a mapping from answers to scores")
    if not label:
        raise Reject("empty_answer", "'label' holds no answer")
    return str(max(label, key=lambda answer: label[answer])).strip()

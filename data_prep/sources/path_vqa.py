"""PathVQA: questions on pathology images of two textbooks and the PEIR library (He et al. 2020, arXiv:2003.10286).

Two layouts are read; the first that `path` has is used:
- the original, in `path` or in pvqa/ under it: qas/{train,val,test}_vqa.pkl, pickled lists of {"sent", "label",
  "img_id", "question_id", "answer_type"}, and images/{train,val,test}/IMG_ID.jpg. `label` maps answers to scores.
- the Hub's Parquet files: question, answer and image, duplicate rows dropped. Their groups are empty, so splits
  are drawn by image.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Loaded, Reject, Sample
from data_prep.sources import hub_parquet
from data_prep.sources.labels import vqa_task
from data_prep.sources.source import About, Source, field, own_id, vqa, wrong_choice
from data_prep.tables.pickles import PickleTable
from data_prep.tables.table import Table

_SPLITS = {"train": "train", "validation": "val", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class PathVqa(Source):
    """`path` is the folder of either layout; `split` is train, validation or test."""

    ABOUT: ClassVar[About] = About(
        title="PathVQA",
        get="https://github.com/UCSD-AI4H/PathVQA or https://huggingface.co/datasets/flaviagiammarino/path-vqa, "
        "open to all; the images' copyrights stay with the publishers of the books and the owners of PEIR",
        licence="MIT",
        redistribute=False,
        layout=(
            "pvqa/qas/{train,val,test}_vqa.pkl and pvqa/images/{train,val,test}/",
            "or data/{train,validation,test}-*.parquet",
        ),
    )

    path: str
    split: str = "train"

    @property
    def _folder(self) -> Path:
        inner = Path(self.path) / "pvqa"
        return inner if inner.is_dir() else Path(self.path)

    @property
    def _pickle(self) -> Path:
        return self._folder / "qas" / f"{_SPLITS[self.split]}_vqa.pkl"

    @property
    def _original(self) -> bool:
        return self._pickle.is_file()

    def problems(self) -> list[str]:
        """An unknown split, and missing files."""
        found = wrong_choice("split", self.split, tuple(_SPLITS))
        if found:
            return found
        if self._original:
            return ImageFolder(self._folder / "images").problems("path")
        if not hub_parquet.shards(self._folder, self.split):
            wanted = f"neither qas/{self._pickle.name} nor data/{self.split}-*.parquet"
            return [f"path: {self.path}: {wanted}; get it: {self.ABOUT.get}"]
        return hub_parquet.shard_problems(self._folder, self.split)

    def tables(self) -> list[Table]:
        """The split's pickle, or its Parquet files."""
        if self._original:
            return [PickleTable(self._pickle)]
        return [hub_parquet.Shard(path) for path in hub_parquet.shards(self._folder, self.split)]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """By the split and `question_id` or the place; on the Hub by the split, the file and the row."""
        number = hub_parquet.row_number(row) if "_file" in row else own_id(row, "question_id", place)
        return f"path_vqa-{self.split}-{number}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """A question on one image."""
        embedded = "_file" in row
        answer = field(row, "answer") if embedded else _best(row.get("label"))
        closed = None if "answer_type" not in row else str(row["answer_type"]).strip().lower() == "yes/no"
        image = "" if embedded else field(row, "img_id")
        return Sample(
            id=row_id,
            language="en",
            task=vqa_task(answer, closed),
            modality="pathology",
            messages=vqa(field(row, "question", "sent"), answer),
            licence=self.terms,
            images=(hub_parquet.image_name(row) if embedded else f"{_SPLITS[self.split]}/{image}.jpg",),
            group="" if embedded else f"path_vqa-{image}",
        )

    def image_folder(self) -> ImageFolder | None:
        """The original's images."""
        return ImageFolder(self._folder / "images") if self._original else None

    def image_place(self) -> str | None:
        """The original's folder of images, or the folder of the Parquet files."""
        return super().image_place() or hub_parquet.place(self._folder)

    def load(self, name: str) -> Loaded:
        """An image file, or the image in a row of a Parquet file."""
        return super().load(name) if self._original else hub_parquet.image(self._folder, name)


def _best(label: Any) -> str:
    """The answer with the highest score."""
    if not isinstance(label, dict):
        raise Reject("bad_row", f"'label' is {label!r}; wanted: a mapping from answers to scores")
    if not label:
        raise Reject("empty_answer", "'label' holds no answer")
    return str(max(label, key=lambda answer: label[answer])).strip()

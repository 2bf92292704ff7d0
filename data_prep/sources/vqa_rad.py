"""VQA-RAD: clinicians' questions on 314 radiology images of MedPix (Lau et al. 2018, Scientific Data 5:180251).

Two layouts are read; the first that `path` has is used:
- the original of the Open Science Framework, one JSON list of all splits and a folder of images. `phrase_type`
  gives the split; answers may be numbers, and `answer_type` may end in blanks. The parent of a paraphrase is the
  free-form question that it rephrases.
- the Hub's Parquet files: answers in lower case, four duplicate rows fewer, neither ids nor types. Their groups are
  empty, so splits are drawn by image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Loaded, Reject, Rejected, Sample
from data_prep.sources import hub_parquet
from data_prep.sources.labels import is_closed, vqa_task
from data_prep.sources.source import About, Source, field, first_existing, own_id, vqa, wrong_choice
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table, all_rows

TABLE = "VQA_RAD Dataset Public.json"
IMAGES = ("VQA_RAD Image Folder", "VQA_RAD Image Folder.zip")
_SPLITS = {"freeform": "train", "para": "train", "test_freeform": "test", "test_para": "test"}
# the paper's table of images: chests are X-rays, abdomens CTs; a head may be CT or MRI
_MODALITIES = {"CHEST": "x_ray", "ABD": "ct"}


@dataclass(frozen=True, kw_only=True)
class VqaRad(Source):
    """`path` is the folder of either layout; `split` is train or test."""

    ABOUT: ClassVar[About] = About(
        title="VQA-RAD",
        get="https://osf.io/89kps or https://huggingface.co/datasets/flaviagiammarino/vqa-rad, open to all",
        licence="CC0-1.0",
        redistribute=True,
        layout=(f"{TABLE} and {IMAGES[0]}/", "or data/train-*.parquet and data/test-*.parquet"),
    )

    path: str
    split: str = "train"

    @property
    def _folder(self) -> Path:
        return Path(self.path)

    @property
    def _original(self) -> bool:
        return (self._folder / TABLE).is_file()

    def problems(self) -> list[str]:
        """An unknown split, and missing files."""
        found = wrong_choice("split", self.split, ("train", "test"))
        if found:
            return found
        if self._original:
            return ImageFolder(first_existing(self._folder, IMAGES)).problems("path")
        if not hub_parquet.shards(self._folder, self.split):
            return [f"path: {self.path}: neither {TABLE!r} nor data/{self.split}-*.parquet; get it: {self.ABOUT.get}"]
        return hub_parquet.shard_problems(self._folder, self.split)

    def tables(self) -> list[Table]:
        """The JSON list, or the split's Parquet files."""
        if self._original:
            return [JsonTable(self._folder / TABLE)]
        return [hub_parquet.Shard(path) for path in hub_parquet.shards(self._folder, self.split)]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The `qid` or the place in the file; on the Hub the split, the file and the row."""
        if "_file" in row:
            return f"vqa_rad-{self.split}-{hub_parquet.row_number(row)}"
        return f"vqa_rad-{own_id(row, 'qid', place)}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        """A question on one image."""
        return self._of_hub(row_id, row) if "_file" in row else self._of_original(row_id, row)

    def image_folder(self) -> ImageFolder | None:
        """The original's images."""
        return ImageFolder(first_existing(self._folder, IMAGES)) if self._original else None

    def image_place(self) -> str | None:
        """The original's folder of images, or the folder of the Parquet files."""
        return super().image_place() or hub_parquet.place(self._folder)

    def load(self, name: str) -> Loaded:
        """An image file, or the image in a row of a Parquet file."""
        return super().load(name) if self._original else hub_parquet.image(self._folder, name)

    def _of_hub(self, row_id: str, row: dict[str, Any]) -> Sample:
        answer = field(row, "answer")
        return Sample(
            id=row_id,
            language="en",
            task=vqa_task(answer),
            modality="unknown",
            messages=vqa(field(row, "question"), answer),
            licence=self.terms,
            images=(hub_parquet.image_name(row),),
        )

    def _of_original(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        phrase = field(row, "phrase_type")
        if phrase not in _SPLITS:
            raise Reject("bad_row", f"phrase_type is {phrase!r}; known: {', '.join(_SPLITS)}")
        if _SPLITS[phrase] != self.split:
            return None
        answer, image = field(row, "answer"), field(row, "image_name")
        return Sample(
            id=row_id,
            language="en",
            task=vqa_task(answer, is_closed(row.get("answer_type"))),
            modality=_MODALITIES.get(str(row.get("image_organ")).strip().upper(), "unknown"),
            messages=vqa(field(row, "question"), answer),
            licence=self.terms,
            images=(image,),
            group=f"vqa_rad-{row.get('image_case_url') or image}",
            parent=self._free_forms.get(str(row.get("qid_linked_id"))) if phrase.endswith("para") else None,
        )

    @cached_property
    def _free_forms(self) -> dict[str, str]:
        """The id of each free-form question, by the `qid_linked_id` that it shares with its paraphrases."""
        return {
            str(row["qid_linked_id"]): self.row_id(place, row)
            for place, row in self._original_rows()
            if str(row.get("phrase_type")).strip().endswith("freeform") and row.get("qid_linked_id")
        }

    def _original_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for place, row in all_rows(self.tables()[0]):
            if not isinstance(row, Rejected):
                yield place, row

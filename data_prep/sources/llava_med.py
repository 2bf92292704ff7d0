"""LLaVA-Med's training sets: instruct (10k, 60k, 60k with inline mentions) and alignment (500k).

A row is {"id": PAIR_ID, "image": "PAIR_ID.jpg", "conversations": [{"from", "value"}, ...]}, in some files with
`domain`, and in some with the list spelt `conversatons`; PAIR_ID starts with the article's number in PubMed. The
images are not in the release: each is cut out of the archive of its article, which llava_med_image_urls.jsonl names
({"pmc_tar_url", "image_file_path", "pair_id"}), and saved as PAIR_ID.jpg in one flat folder. Many of those archives
are gone, so that many rows have no image.
Source: github.com/microsoft/LLaVA-Med, tag v1.0.0, download_data.sh and its issues 13, 48, 58.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from data_prep import manifest
from data_prep.rows import Loaded, Reject, Rejected, Sample
from data_prep.sources.base import About, Source, own_id, wrong_choice, wrong_file
from data_prep.sources.kinds import STAGES, language_of, modality_of, stage_of
from data_prep.sources.turns import dialogue
from data_prep.tables.archive import ImageFolder
from data_prep.tables.base import Table, all_rows
from data_prep.tables.json_file import JsonTable


def pair_row_id(file: str, pair_id: str) -> str:
    """The id of a pair's sample; the files have pairs in common, so the file's name is part of it."""
    return f"llava_med-{Path(file).stem.removeprefix('llava_med_')}-{pair_id}"


def article(image: str) -> str:
    """The article that an image is from, whose figures show the same patients: "29145864_F4.jpg" is of PMID29145864."""
    found = re.match(r"\d+(?=_)", Path(image).name)
    return f"PMID{found.group()}" if found else ""


@dataclass(frozen=True, kw_only=True)
class LlavaMed(Source):
    """`path` is one of the JSON files, `images` the folder or archive of PAIR_ID.jpg.

    `urls`, llava_med_image_urls.jsonl, lets the ledger say which archive a missing image comes from. `stage: auto`
    takes a file with `align` in its name for captions.
    """

    ABOUT: ClassVar[About] = About(
        title="LLaVA-Med instruct and alignment",
        get="download_data.sh of github.com/microsoft/LLaVA-Med (tag v1.0.0), then its image downloader",
        licence="CC-BY-NC-4.0",
        redistribute=False,
        layout=(
            "alignment/llava_med_alignment_500k.json",
            "instruct/llava_med_instruct_60k_inline_mention.json",
            "llava_med_image_urls.jsonl",
            "images/",
        ),
    )

    path: str
    images: str
    urls: str = ""
    stage: str = "auto"

    def problems(self) -> list[str]:
        """Files that are not there, and an unknown stage."""
        found = wrong_file("path", self.path) + ImageFolder(self.images).problems("images")
        found += wrong_file("urls", self.urls) if self.urls else []
        return found + wrong_choice("stage", self.stage, STAGES)

    def tables(self) -> list[Table]:
        """The one file."""
        return [JsonTable(self.path)]

    def image_folder(self) -> ImageFolder:
        """The flat folder of images."""
        return ImageFolder(self.images)

    def version(self) -> str:
        """The name of the file, which tells the set."""
        return Path(self.path).name

    def inputs(self) -> dict[str, str | int]:
        """Also the list of archives, whose words come into the ledger."""
        return super().inputs() | ({self.urls: manifest.sha256(Path(self.urls))} if self.urls else {})

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The file's name and the pair's id."""
        return pair_row_id(self.path, own_id(row, "id", place))

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """A caption, or a conversation. Raises Reject."""
        messages, images = dialogue(row)
        return Sample(
            id=row_id,
            language=language_of(messages),
            task="caption" if stage_of(self.path, self.stage) == "align" else "conversation",
            modality=modality_of(row.get("domain")),
            messages=messages,
            licence=self.terms,
            images=images,
            group=article(images[0]) if images else "",
        )

    def load(self, name: str) -> Loaded:
        """The bytes of an image. Raises Reject, for a missing one with the archive that it is in."""
        try:
            return super().load(name)
        except Reject as reject:
            archive = self._archives.get(Path(name).stem)
            if reject.reason != "missing_image" or archive is None:
                raise
            raise Reject(reject.reason, f"{reject.detail}; it is {archive}") from reject

    @cached_property
    def _archives(self) -> dict[str, str]:
        rows = (row for _, row in all_rows(JsonTable(self.urls))) if self.urls else iter(())
        return {
            str(row.get("pair_id")): f"{row.get('image_file_path')} in {row.get('pmc_tar_url')}"
            for row in rows
            if not isinstance(row, Rejected)
        }

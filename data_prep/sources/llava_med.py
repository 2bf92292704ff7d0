"""LLaVA-Med's training sets: instruct (10k, 60k, 60k with inline mentions) and alignment (500k).

A row is {"id": PAIR_ID, "image": "PAIR_ID.jpg", "conversations": [{"from", "value"}, ...]}; some files add `domain`,
some misspell the list `conversatons`. PAIR_ID starts with the PubMed id of the article. The images are not in the
release: each is extracted from the archive of its article, listed in llava_med_image_urls.jsonl ({"pmc_tar_url",
"image_file_path", "pair_id"}), and saved as PAIR_ID.jpg in one flat folder. Many of these archives no longer exist, so
many rows have no image.
Source: github.com/microsoft/LLaVA-Med, tag v1.0.0, download_data.sh and its issues 13, 48, 58.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from data_prep import manifest
from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Loaded, Reject, Sample
from data_prep.sources.labels import STAGES, modality_of, stage_of
from data_prep.sources.pair_archives import PairArchives
from data_prep.sources.source import About, Source, names_there, own_id, wrong_choice, wrong_file
from data_prep.sources.turns import dialogue
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table
from data_prep.text.language import language_of


def pair_row_id(file: str, pair_id: str) -> str:
    """The id of a pair's sample, with the name of its file, since the files share pairs."""
    return f"llava_med-{Path(file).stem.removeprefix('llava_med_')}-{pair_id}"


def article(image: str) -> str:
    """The article of an image, whose figures may show the same patients: "29145864_F4.jpg" is from PMID29145864."""
    found = re.match(r"\d+(?=_)", Path(image).name)
    return f"PMID{found.group()}" if found else ""


@dataclass(frozen=True, kw_only=True)
class LlavaMed(Source):
    """`path` is one of the JSON files, `images` the folder or archive of PAIR_ID.jpg.

    With `urls`, llava_med_image_urls.jsonl, the ledger names the archive of each missing image. With `stage: auto` a
    file with `align` in its name holds captions.
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

    IMAGES_APART: ClassVar[bool] = True

    path: str
    images: str
    urls: str = ""
    stage: str = "auto"

    def problems(self) -> list[str]:
        """Missing files, and an unknown stage."""
        found = wrong_file("path", self.path) + ImageFolder(self.images).problems("images")
        found += wrong_file("urls", self.urls) if self.urls else []
        return found + wrong_choice("stage", self.stage, STAGES)

    def form(self) -> str:
        """The file, the folder of images and the list of archives, where they are there."""
        return names_there(self.path, self.images, self.urls)

    def tables(self) -> list[Table]:
        """The one file."""
        return [JsonTable(self.path)]

    def image_folder(self) -> ImageFolder:
        """The flat folder of images."""
        return ImageFolder(self.images)

    def version(self) -> str:
        """The name of the file, which identifies the set."""
        return Path(self.path).name

    def inputs(self) -> dict[str, str | int]:
        """Also the list of archives, which is quoted in the ledger."""
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

    def image_place(self) -> str | None:
        """The folder, unless the list of archives is quoted for what is missing there."""
        return None if self.urls else super().image_place()

    def load(self, name: str) -> Loaded:
        """The bytes of an image. Raises Reject, which names the archive of a missing image."""
        try:
            return super().load(name)
        except Reject as reject:
            listed = self.address(name, {}) if reject.reason == "missing_image" else {}
            if not listed:
                raise
            raise Reject(reject.reason, f"{reject.detail}; it is {listed['member']} in {listed['archive']}") from reject

    def address(self, image: str, row: dict[str, Any]) -> dict[str, str]:
        """The archive of the image's article, if `urls` lists it."""
        return self._archives.find(Path(image).stem) if self._archives else {}

    @cached_property
    def _archives(self) -> PairArchives | None:
        return PairArchives(self.urls) if self.urls else None

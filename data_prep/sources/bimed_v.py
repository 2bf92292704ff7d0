"""BiMed-V as released: BiMed-V_stage1.json (captions) and BiMed-V_stage2.json (instructions).

Known from the authors' scripts (github.com/mbzuai-oryx/BiMediX2, scripts/): a row has `id` and `image`; `image` is the
name under which their downloaders save the file, and the id without its last `_` part is the pair's id in LLaVA-Med.
The names are PAIR_ID.jpg (LLaVA-Med), DIR_FILE (SLAKE), synpicN.jpg (VQA-RAD) and path-vqa_N.jpg (PathVQA).

Inferred, since neither the paper nor the repository shows a row: the turns are LLaVA's `conversations`; in a text-only
row `image` is absent, null or ""; an image named after a PMC article is PMC-VQA's. Rows have neither a language nor a
source: the language is detected by script, the origin by the name of the image. PMC rows whose images are named like
LLaVA-Med's cannot be distinguished from LLaVA-Med's own.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import LANGUAGES, Message, Reject, Sample
from data_prep.sources.labels import STAGES, TURNS, is_multi_turn, modality_of, select, stage_of, task_of, wrong_choices
from data_prep.sources.llava_med import article, pair_row_id
from data_prep.sources.pair_archives import LIST, PairArchives
from data_prep.sources.source import About, Source, names_there, own_id, pmc_article, wrong_choice, wrong_file
from data_prep.sources.turns import dialogue, image_names
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table
from data_prep.text.language import language_of

_NAMES = {
    "rad_vqa": re.compile(r"synpic\d+\."),
    "slake_vqa": re.compile(r"(xmlab\d+)_"),
    "path_vqa": re.compile(r"path-vqa_(\d+)\..*"),
    "pmc": re.compile(r"PMC\d+_"),
    "llava_med": re.compile(r"\d+_"),
}
_SETS = {
    "rad_vqa": ("https://osf.io/89kps", r"VQA_RAD Image Folder/\g<0>"),
    "slake_vqa": ("https://huggingface.co/datasets/BoKelvin/SLAKE/resolve/main/imgs.zip", r"imgs/\1/"),
    "path_vqa": ("https://huggingface.co/datasets/flaviagiammarino/path-vqa", r"train, distinct image \1"),
}
"""The sets whose images were renamed: the address of each, and an image's name there, after its pattern in _NAMES."""
_ARTICLES = {"llava_med": article, "pmc": pmc_article}
ORIGINS = (*_NAMES, "text", "other")
_ARABIC_LETTER = re.compile("[\u0620-\u064a]")


@dataclass(frozen=True, kw_only=True)
class BimedV(Source):
    """`path` is one of the two files, `images` the folder or archive that the release's downloaders fill.

    `urls` is LLaVA-Med's list of archives, by default llava_med_image_urls.jsonl beside the file: where missing images
    are to be had. `languages`, `origins` (of ORIGINS) and `turns` (any, single, multi) select rows. With `stage: auto`
    a file with `stage1` in its name holds captions.
    """

    ABOUT: ClassVar[About] = About(
        title="BiMed-V-1.6M",
        get="huggingface.co/datasets/MBZUAI/BiMed-V-1.6M; images by scripts/ of github.com/mbzuai-oryx/BiMediX2",
        licence="CC-BY-NC-SA-4.0",
        redistribute=False,
        layout=("BiMed-V_stage1.json", "BiMed-V_stage2.json", "images/", f"and, to fetch them, {LIST}"),
    )
    IMAGES_APART: ClassVar[bool] = True

    path: str
    images: str = ""
    urls: str = ""
    languages: list[str] = field(default_factory=lambda: list(LANGUAGES))
    origins: list[str] = field(default_factory=lambda: list(ORIGINS))
    turns: str = "any"
    stage: str = "auto"

    def problems(self) -> list[str]:
        """Missing files, and unknown or empty selections."""
        found = wrong_file("path", self.path)
        found += ImageFolder(self.images).problems("images") if self.images else []
        found += wrong_file("urls", self.urls) if self.urls else []
        found += wrong_choices("languages", self.languages, LANGUAGES)
        found += wrong_choices("origins", self.origins, ORIGINS)
        found += wrong_choice("turns", self.turns, TURNS) + wrong_choice("stage", self.stage, STAGES)
        if not self.images and set(self.origins) != {"text"}:
            found.append("images: this key is required, unless `origins: [text]` leaves out every row with an image")
        return found

    def form(self) -> str:
        """The file and the folder of images, where they are there."""
        return names_there(self.path, self.images)

    def tables(self) -> list[Table]:
        """The one file."""
        return [JsonTable(self.path)]

    def image_folder(self) -> ImageFolder | None:
        """The folder filled by the downloaders, if the mixture names it."""
        return ImageFolder(self.images) if self.images else None

    def address(self, image: str, row: dict[str, Any]) -> dict[str, str]:
        """The archive of the image's article, by the row's id as the release's downloader joins it; or the set whose
        image it is, under the name that the image has there.
        """
        name = PurePosixPath(image).name
        origin = origin_of([image])
        if origin in _SETS:
            return {"archive": _SETS[origin][0], "member": _NAMES[origin].sub(_SETS[origin][1], name, count=1)}
        pairs = (str(row.get("id")).rpartition("_")[0], PurePosixPath(image).stem)
        found = (self._archives.find(pair) for pair in pairs) if self._archives else iter(())
        return next(filter(None, found), {})

    @cached_property
    def _archives(self) -> PairArchives | None:
        path = Path(self.urls) if self.urls else Path(self.path).with_name(LIST)
        return PairArchives(path) if path.is_file() else None

    def version(self) -> str:
        """The name of the file."""
        return PurePosixPath(self.path).name

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The stage and the row's id, plus "-ar" for an Arabic row, which may have the id of its English original."""
        text = str(row.get("conversations", row))
        arabic = "-ar" if not text.isascii() and _ARABIC_LETTER.search(text) else ""
        return f"bimed_v-{self._stage}-{own_id(row, 'id', place)}{arabic}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """A caption, an instruction or a conversation. Raises Reject."""
        origin = origin_of(image_names(row))
        if origin not in self.origins:
            raise Reject("not_selected", f"origin {origin}; selected: {', '.join(self.origins)}")
        messages, images = dialogue(row)
        language = language_of(messages)
        select(messages, language, self.languages, self.turns)
        return Sample(
            id=row_id,
            language=language,
            task="caption" if self._stage == "align" else task_of(messages, images=origin != "text"),
            modality=_modality(origin, row),
            messages=messages,
            licence=self.terms,
            images=images,
            group=_ARTICLES[origin](images[0]) if images and origin in _ARTICLES else "",
            parent=self._parent(origin, row, messages),
        )

    @cached_property
    def _stage(self) -> str:
        return stage_of(self.path, self.stage)

    def _parent(self, origin: str, row: dict[str, Any], messages: list[Message]) -> str | None:
        """Its LLaVA-Med pair: an alignment pair for a conversation, else an instruct pair (paper, 2.1)."""
        pair = str(row.get("id")).rpartition("_")[0]
        if origin != "llava_med" or PurePosixPath(image_names(row)[0]).stem != pair:
            return None
        from_alignment = self._stage == "align" or is_multi_turn(messages)
        return pair_row_id("alignment_500k" if from_alignment else "instruct_60k_inline_mention", pair)


def origin_of(names: list[str]) -> str:
    """The origin of a row, by the name of its first image: one of ORIGINS."""
    if not names:
        return "text"
    name = PurePosixPath(names[0]).name
    return next((origin for origin, pattern in _NAMES.items() if pattern.match(name)), "other")


def _modality(origin: str, row: dict[str, Any]) -> str:
    if origin == "text":
        return "text"
    return "pathology" if origin == "path_vqa" else modality_of(row.get("domain"))

"""A mixture: the sources of a dataset, the rows kept of each, and the splits. Read from YAML by mixture_file."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Literal

from data_prep import keys
from data_prep.rows import LANGUAGES, Sample
from data_prep.sources.labels import TASKS
from data_prep.sources.source import Source


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How a mixture uses a source: the split of its rows, the most rows, and how often each row is used (0.5: half).

    `into` is a split as it was published: no share is drawn from its rows, and rows that were made from them or share
    an image with them follow. Without it, rows that no rule and no parent places are in `train`.
    """

    into: str | None = None
    rows: int | None = field(default=None, metadata=keys.at_least(1))
    weight: float = field(default=1.0, metadata=keys.above(0))


@dataclass(frozen=True, kw_only=True)
class SplitRule:
    """The rows of a split: those on one of `images` or with one of `ids` (names or patterns with `*`), and a `share`
    (0 to 1) of the others, drawn by family: rows of one patient, on one image, or made from one row (see split_rows).
    """

    images: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    share: float = field(default=0.0, metadata=keys.between(0, 1))

    def names(self, sample: Sample) -> bool:
        """Whether the rule names this row, by an image or by its id."""
        if any(fnmatchcase(name, pattern) for name in sample.images for pattern in self.images):
            return True
        return any(fnmatchcase(sample.id, pattern) for pattern in self.ids)

    def draws(self, name: str, lot: str) -> bool:
        """Whether the share takes the family of this name; rules with different lots draw independently."""
        return int.from_bytes(sha256(f"{lot} {name}".encode()).digest()[:8]) < self.share * 2**64


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """What to do with rows of a source that contain questions of a benchmark: keep them (`accept`) or `drop` them."""

    benchmark: str
    source: str
    action: Literal["accept", "drop"]
    why: str


@dataclass(frozen=True, kw_only=True)
class Quota:
    """At most `rows` rows of a source, language, modality and task; None matches any."""

    rows: int = field(metadata=keys.at_least(1))
    source: str | None = None
    language: str | None = field(default=None, metadata=keys.one_of(LANGUAGES))
    modality: str | None = None
    task: str | None = field(default=None, metadata=keys.one_of(TASKS))


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Which duplicates are dropped: `exact` (same text, same images) and `near` (MinHash on the text, same images)."""

    exact: bool = True
    near: bool = True


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A checked mixture. `entries` is parallel to `sources`; `max_side` and `max_pixels` bound the stored images, and
    `max_characters` the texts of a row together.
    """

    name: str
    sources: list[Source]
    entries: list[Entry] = field(default_factory=list)
    benchmarks: list[Source] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)
    duplicates: Duplicates = field(default_factory=Duplicates)
    identity: Literal["mask", "ledger", "keep"] = "mask"
    checks: bool = True
    seed: int = 0
    shuffle: bool = True
    splits: dict[str, SplitRule] = field(default_factory=dict)
    max_side: int | None = field(default=None, metadata=keys.at_least(1))
    max_pixels: int | None = field(default=None, metadata=keys.at_least(1))
    max_characters: int = field(default=200_000, metadata=keys.at_least(1))
    rows_per_shard: int = field(default=20_000, metadata=keys.at_least(1))
    missing: list[str] = field(default_factory=list)

    @property
    def compares(self) -> bool:
        """Whether rows are compared with each other or with benchmarks, which requires the normalised text of all."""
        return self.duplicates.exact or self.duplicates.near or bool(self.benchmarks)

    @property
    def decodes_images(self) -> bool:
        """Whether images are decoded, which finds broken ones and gives their perceptual hashes."""
        return self.checks or self.duplicates.near or bool(self.benchmarks)

    @property
    def draws(self) -> bool:
        """Whether a share of the rows is drawn for a split."""
        return any(rule.share for rule in self.splits.values())

    def named(self, sample: Sample) -> str | None:
        """The split of the first rule that names the row."""
        return next((name for name, rule in self.splits.items() if rule.names(sample)), None)

    def drawn(self, family: str) -> str | None:
        """The split of the first rule whose share takes the family of this name."""
        return next((name for name, rule in self.splits.items() if rule.draws(family, f"{self.seed} {name}")), None)

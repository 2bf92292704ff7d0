"""A mixture: the sources of a data set, what is kept of them and how they are split; mixture_file reads one."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Literal

from data_prep import keys
from data_prep.rows import LANGUAGES, Sample
from data_prep.sources.base import Source
from data_prep.sources.kinds import TASKS


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A source in a mixture: the split its rows go into, at most how many, how often each (0.5: every other row)."""

    into: str = "train"
    rows: int | None = field(default=None, metadata=keys.at_least(1))
    weight: float = field(default=1.0, metadata=keys.above(0))


@dataclass(frozen=True, kw_only=True)
class SplitRule:
    """Which rows leave their source's split: those on one of `images` or with one of `ids` (names or patterns with
    `*`), and a `share` (0 to 1) of the others, chosen by patient or image so that what belongs together stays so.
    """

    images: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    share: float = field(default=0.0, metadata=keys.between(0, 1))

    def takes(self, sample: Sample, lot: str) -> bool:
        """Whether the rule takes this row; rules with different lots draw independently of each other."""
        if any(fnmatchcase(name, pattern) for name in sample.images for pattern in self.images):
            return True
        if any(fnmatchcase(sample.id, pattern) for pattern in self.ids):
            return True
        groups = [sample.group] if sample.group else [*sample.images] or [sample.id]
        # a row with several images goes where any of them goes
        draws = [sha256(f"{lot} {name}".encode()).digest()[:8] for name in groups]
        return min(int.from_bytes(draw) for draw in draws) < self.share * 2**64


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """A benchmark whose questions a source may share: its rows stay (`accept`) or go into the ledger (`drop`)."""

    benchmark: str
    source: str
    action: Literal["accept", "drop"]
    why: str


@dataclass(frozen=True, kw_only=True)
class Quota:
    """At most `rows` rows of a source, language, modality and task; what is not named is not asked for."""

    rows: int = field(metadata=keys.at_least(1))
    source: str | None = None
    language: str | None = field(default=None, metadata=keys.one_of(LANGUAGES))
    modality: str | None = None
    task: str | None = field(default=None, metadata=keys.one_of(TASKS))


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Which duplicates go: `exact` (same text, same images) and `near` (MinHash on the text, same image)."""

    exact: bool = True
    near: bool = True


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A checked mixture. `entries` goes with `sources`; `max_side` and `max_pixels` bound the stored images."""

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
    rows_per_shard: int = field(default=20_000, metadata=keys.at_least(1))
    missing: list[str] = field(default_factory=list)

    @property
    def compares(self) -> bool:
        """Whether rows are compared with each other or with benchmarks, which takes their normalised text."""
        return self.duplicates.exact or self.duplicates.near or bool(self.benchmarks)

    @property
    def decodes_images(self) -> bool:
        """Whether images are decoded, which finds broken ones and tells which show the same."""
        return self.checks or self.duplicates.near or bool(self.benchmarks)

    def split(self, sample: Sample, entry: Entry) -> str:
        """The first rule that takes the row, or else the split that its source goes into."""
        if not self.splits:
            return entry.into
        return next(
            (name for name, rule in self.splits.items() if rule.takes(sample, f"{self.seed} {name}")), entry.into
        )

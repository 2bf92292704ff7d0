"""A step of curation: what it reads, which model makes the drafts, and what becomes of a draft that fails a check."""

from dataclasses import dataclass, field
from typing import Any, Literal

from data_prep import keys
from data_prep.rows import LANGUAGES

KINDS = ("rewrite", "converse", "split", "translate", "benchmark")


@dataclass(frozen=True, kw_only=True)
class Model:
    """The model and how it is asked.

    Attributes:
        name: as its server knows it.
        base_url: the server, /v1 included; None for OpenAI's own.
        api_key_variable: the environment variable that holds the key; needed for OpenAI's own server only.
        temperature: None leaves it to the server.
        max_tokens: of one reply.
        concurrency: requests in flight at a time.
        timeout: seconds that one attempt may take.
        retries: attempts after the first; waits that the server asks for with 429 do not count.
        price_in, price_out: per million tokens, in any currency.
        images: whether a row's images are sent.
    """

    name: str
    base_url: str | None = None
    api_key_variable: str | None = None
    temperature: float | None = field(default=0.0, metadata=keys.between(0, 2))
    max_tokens: int = field(default=2048, metadata=keys.at_least(1))
    concurrency: int = field(default=16, metadata=keys.at_least(1))
    timeout: float = field(default=300.0, metadata=keys.above(0))
    retries: int = field(default=6, metadata=keys.at_least(0))
    price_in: float | None = field(default=None, metadata=keys.at_least(0))
    price_out: float | None = field(default=None, metadata=keys.at_least(0))
    images: bool = False


@dataclass(frozen=True, kw_only=True)
class Limits:
    """At most so many rows are read, so many characters of a row's text and of a reply, and so many new terms: findings
    in a full answer or a conversation that its writer was not told.
    """

    rows: int | None = field(default=None, metadata=keys.at_least(1))
    characters: int = field(default=20_000, metadata=keys.at_least(1))
    new_terms: int = field(default=0, metadata=keys.at_least(0))


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The sample for reviewers: its rows, the seed, and the share that several reviewers see."""

    sample: int = field(default=400, metadata=keys.at_least(1))
    seed: int = 0
    share: float = field(default=0.2, metadata=keys.between(0, 1))


@dataclass(frozen=True, kw_only=True)
class BackTranslation:
    """Each draft is translated back and compared with the original by chrF (0 to 100), which is to be `least`.

    `name` and `base_url` are those of the model that translates back, where it is not the step's.
    """

    least: float = field(default=40.0, metadata=keys.between(0, 100))
    name: str | None = None
    base_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Alike:
    """LaBSE's weights, in a folder beside the step, and the least cosine of original and draft (-1 to 1)."""

    weights: str
    least: float = field(default=0.8, metadata=keys.between(-1, 1))


@dataclass(frozen=True, kw_only=True)
class Step:
    """A checked step. The fields are the keys of its file; paths of prompt, glossary and captions start beside it.

    Attributes:
        input: sources as in a mixture, or {dataset: FOLDER, splits: [names]}.
        language: that a translation is made into.
        captions: a file with the caption and the mentions in the text of each image, for `converse` and `benchmark`.
        checks: the names of those to run; None: all of the kind.
        back_translation, similarity: checks of translations that need a model.
        on_failure: where a row goes that fails a check twice.
    """

    name: str
    kind: Literal["rewrite", "converse", "split", "translate", "benchmark"]
    input: list[Any]
    model: Model | None = None
    prompt: str | None = None
    glossary: str | None = None
    captions: str | None = None
    language: str = field(default="ar", metadata=keys.one_of(LANGUAGES))
    checks: list[str] | None = None
    back_translation: BackTranslation | None = None
    similarity: Alike | None = None
    on_failure: Literal["review", "ledger"] = "review"
    limits: Limits = field(default_factory=Limits)
    review: Sampling = field(default_factory=Sampling)

    @property
    def asked(self) -> Model:
        """The model of a step that has one."""
        assert self.model is not None, self.kind
        return self.model

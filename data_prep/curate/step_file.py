"""Read a step from its YAML file and check it, with its prompt, glossary and inputs: all errors together."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep import keys, mixture_file
from data_prep.curate import prompt_file
from data_prep.curate.captions import Captions
from data_prep.curate.errors import CurateError
from data_prep.curate.items import Input
from data_prep.curate.kinds import kind_of
from data_prep.curate.kinds.kind import Kind
from data_prep.curate.prompt_file import Prompt
from data_prep.curate.similarity import Similarity
from data_prep.curate.step import KINDS, Alike, BackTranslation, Limits, Model, Sampling, Step
from data_prep.shards import SPLIT_NAME
from data_prep.sources import READERS, reader
from data_prep.sources.source import Source
from data_prep.tables.table import TableError

if TYPE_CHECKING:
    from data_prep.curate.glossary import Glossary

_INNER: dict[str, type] = {
    "model": Model,
    "limits": Limits,
    "review": Sampling,
    "back_translation": BackTranslation,
    "similarity": Alike,
}
_ASKING = tuple(kind for kind in KINDS if kind != "split")
_ONLY = {
    "model": _ASKING,
    "prompt": _ASKING,
    "checks": _ASKING,
    "captions": ("converse", "benchmark"),
    "glossary": ("translate", "benchmark"),
    "language": ("translate",),
    "back_translation": ("translate",),
    "similarity": ("translate",),
}
"""The keys that steps of some kinds alone have."""


@dataclass(frozen=True)
class Loaded:
    """A step that can be run; `prompt` is None where no model is asked."""

    step: Step
    kind: Kind
    prompt: Prompt | None
    inputs: list[Input]
    captions: Captions
    glossary_sha256: str = ""
    similarity_weights: Path = Path()


def load(path: Path, root: Path | None = None, flags: dict[str, Any] | None = None) -> Loaded:
    """Read and check a step; relative paths of sources start from `root`, those of other files beside the step.

    `flags` override the file: base_url, model, concurrency, limit, input. Raises CurateError with every error.
    """
    try:
        given = _overridden(mixture_file.read_yaml(path), flags or {})
    except mixture_file.MixtureError as error:
        raise CurateError(str(error)) from error
    found = keys.errors("", given, Step, frozenset({"input", *_INNER}))
    given = _without_keys_of_other_kinds(given, found)
    made = {key: value for key, value in given.items() if key not in ("input", *_INNER)}
    for key, kind in _INNER.items():
        if given.get(key) is not None:
            wrong = keys.errors(f"{key}.", given[key], kind)
            found += wrong
            made |= {} if wrong else {key: kind(**given[key])}
    name = given.get("kind")
    made_by = kind_of(name) if name in KINDS else None
    inputs = _inputs(given.get("input"), root or Path(), found, may_be_test=name == "benchmark")
    asks = made_by is not None and made_by.ASKS
    found += [f"{key}: this key is required" for key in ("model", "prompt") if asks and not given.get(key)]
    prompt = None
    if asks and made_by and isinstance(given.get("prompt"), str):
        prompt = prompt_file.read(path.parent / given["prompt"], made_by.FIELDS, found)
    glossary = _glossary(path.parent, given.get("glossary"), found)
    if made_by is not None:
        found += _wrong_checks(given.get("checks"), made_by)
    weights = path.parent / made["similarity"].weights if "similarity" in made else Path()
    found += [f"similarity.weights: {one}" for one in Similarity(weights).problems()] if "similarity" in made else []
    captions = _captions(path.parent, given, found)
    if found or made_by is None:
        raise CurateError("\n".join(f"{path}: {error}" for error in found))
    step = Step(**{**made, "input": []})
    return Loaded(step, made_by(step, glossary), prompt, inputs, captions, glossary.sha256 if glossary else "", weights)


def _without_keys_of_other_kinds(given: dict[Any, Any], found: list[str]) -> dict[Any, Any]:
    """The content without what a step of this kind would not heed; each such key is an error."""
    kind = given.get("kind")
    wrong = {key: kinds for key, kinds in _ONLY.items() if given.get(key) is not None and kind not in kinds}
    if kind in KINDS:
        for key, kinds in wrong.items():
            options = ", and the options --base-url, --model and --concurrency" if key == "model" else ""
            found.append(f"{key}: read only by the kinds {', '.join(kinds)}; leave it out{options}")
    return {key: value for key, value in given.items() if key not in wrong}


def _overridden(given: dict[Any, Any], flags: dict[str, Any]) -> dict[Any, Any]:
    """The content of the file with the flags that were given."""
    set_here = {key: value for key, value in flags.items() if value is not None}
    model = {new: set_here[old] for old, new in _MODEL_FLAGS.items() if old in set_here}
    if model and isinstance(given.get("model"), dict | None):
        other = {} if model.keys() == {"concurrency"} else {"price_in": None, "price_out": None}  # another's prices
        given["model"] = {**(given.get("model") or {}), **other, **model}
    if "limit" in set_here and isinstance(given.get("limits"), dict | None):
        given["limits"] = {**(given.get("limits") or {}), "rows": set_here["limit"]}
    if "input" in set_here:
        given["input"] = {"dataset": str(set_here["input"])}
    return given


_MODEL_FLAGS = {"base_url": "base_url", "model": "name", "concurrency": "concurrency"}


def _inputs(given: Any, root: Path, found: list[str], *, may_be_test: bool) -> list[Input]:
    listed = given if isinstance(given, list) else [given]
    if not given:
        found.append("input: this key is required: sources as in a mixture, or {dataset: FOLDER}; or give --input")
        return []
    made = []
    for number, one in enumerate(listed):
        where = f"input[{number}]" if isinstance(given, list) else "input"
        into = one.get("into") if isinstance(one, dict) else None
        if into is not None and not (isinstance(into, str) and SPLIT_NAME.fullmatch(into)):
            found.append(f"{where}.into: {into!r}; a split's name is lower-case letters and underscores")
        source = _source(where, one, root, found)
        if source is not None and not may_be_test and source.is_test:
            found.append(
                f"{where}: {source.name} reads a benchmark's test split; what is made from it would be a test "
                "question: read another split, or use `kind: benchmark`"
            )
        elif source is not None:
            made.append(Input(source, into))
    return made


def _source(where: str, given: Any, root: Path, found: list[str]) -> Source | None:
    if not isinstance(given, dict) or ("dataset" in given) == ("reader" in given):
        found.append(f"{where}: {given!r:.200}; wanted: {{reader: NAME, ...}} as in a mixture, or {{dataset: FOLDER}}")
        return None
    if "reader" in given and given["reader"] not in READERS:
        found.append(f"{where}.reader: {given['reader']!r}; known: {', '.join(READERS)}")
        return None
    rest = {key: value for key, value in given.items() if key not in ("into", "reader", "dataset")}
    if "dataset" in given:
        given, rest = {"reader": "dataset"}, {"path": given["dataset"], **rest}
        root = Path()
    wrong = keys.errors(f"{where}.", rest, reader(given["reader"]))
    found += wrong
    if wrong:
        return None
    source = mixture_file.source_of({"reader": given["reader"], **rest}, root)
    problems = mixture_file.problems_of(source)
    found += [f"{where}.{problem}" for problem in problems]
    return None if problems else source


def _glossary(folder: Path, name: Any, found: list[str]) -> "Glossary | None":
    if not isinstance(name, str):
        return None
    from data_prep.curate.glossary import Glossary, GlossaryError

    try:
        return Glossary.read(folder / name)
    except GlossaryError as error:
        found += [f"glossary: {line}" for line in str(error).splitlines()]
    except OSError as error:
        found.append(f"glossary: {folder / name}: {error.strerror}")
    return None


def _wrong_checks(names: Any, made_by: type[Kind]) -> list[str]:
    if not isinstance(names, list) or not names:
        return []
    from data_prep.curate import checks

    known = {**(checks.TRANSLATION if made_by.TRANSLATES else checks.REWRITING)}
    known |= checks.TRANSLATION if made_by.REVIEWS_ALL else {}
    return [f"checks: {name!r}; known: {', '.join(known)}" for name in names if name not in known]


def _captions(folder: Path, given: dict[Any, Any], found: list[str]) -> Captions:
    name = given.get("captions")
    if isinstance(name, str):
        try:
            return Captions(folder / name)
        except TableError as error:
            found.append(f"captions: {error}")
    return Captions()

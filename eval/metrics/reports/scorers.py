"""Find a scorer for each report metric that needs a trained model.

The weights are not redistributable, and no substitute is used: a metric is computed from the user's weights, by the
user's own function, or not at all. Weights are folders under report_metrics/ in the root folder, named as in FOLDERS.
Functions take two lists of texts, the generated reports and the references, and return one number per report. They are
named in report_metrics.yml in the root folder and take precedence over weights:

    f1_radgraph: my_scorers:radgraph

The module is imported from the folder of that file, or from the environment.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from eval.checkpoint import file_sha256
from eval.errors import EvalError
from eval.metrics.reports.radcliq import RadCliQ

FILE = "report_metrics.yml"
FOLDER = "report_metrics"
METRICS = ("f1_radgraph", "chexbert", "radcliq", "ratescore")
"""RadCliQ is lower for better reports; the others are higher, at most 1."""
FOLDERS = {
    "f1_radgraph": ("radgraph", "entities:RadGraph"),
    "chexbert": ("chexbert", "embeddings:CheXbert"),
    "bertscore": ("distilroberta-base", "embeddings:BertScore"),
    "ratescore": ("ratescore", "entities:RaTEScore"),
}
"""Metric -> folder of its weights, and its class in eval.metrics.reports. BERTScore is an input of RadCliQ."""
INSTALL = "uv pip install -c constraints.txt -e '.[reports]'"
INPUTS = "its inputs are MultiMedEval's, not the authors': RadGraph F1 is that of `partial`"

Texts = list[str]
Compute = Callable[[Texts, Texts], Sequence[float]]


@dataclass
class Scorer:
    """Computes a metric; `note` says from what. The last scores are cached, since RadCliQ needs them again."""

    metric: str
    compute: Compute
    note: str
    _last: tuple[tuple[Texts, Texts], list[float]] | None = field(default=None, init=False, repr=False)

    def __call__(self, predictions: Texts, references: Texts) -> list[float]:
        """Return one number per report.

        Raises:
            EvalError: the function fails, or returns a different number of scores.
        """
        if self._last is None or self._last[0] != (predictions, references):
            self._last = (predictions, references), self._numbers(predictions, references)
        return self._last[1]

    def _numbers(self, predictions: Texts, references: Texts) -> list[float]:
        try:
            found = [float(value) for value in self.compute(predictions, references)]
        except Exception as error:
            raise EvalError(f"{self.metric} ({self.note}): it failed ({type(error).__name__}: {error}).") from error
        if len(found) != len(predictions):
            counts = f"it returned {len(found)} numbers for {len(predictions)} reports"
            raise EvalError(f"{self.metric} ({self.note}): {counts}.")
        return found


def scorers(root: Path) -> dict[str, Scorer | str]:
    """Return the scorer of each of METRICS for this root folder, or the reason why there is none.

    Raises:
        EvalError: the file in the root folder names an unknown metric or something that cannot be imported, or existing
            weights cannot be loaded.
    """
    named = _named(root / FILE)
    found: dict[str, Scorer | str] = {}
    for metric in FOLDERS:
        found[metric] = named.get(metric) or _by_weights(metric, root)
    found["radcliq"] = named.get("radcliq") or _radcliq(found)
    return {metric: found[metric] for metric in METRICS}


def _by_weights(metric: str, root: Path) -> Scorer | str:
    name, place = FOLDERS[metric]
    module, _, cls = place.partition(":")
    folder = root / FOLDER / name
    wanted = getattr(importlib.import_module(f"eval.metrics.reports.{module}"), cls).WANTED
    missing = ", ".join(file for file in wanted if not (folder / file).exists())
    if missing:
        return f"not computed: no weights in {FOLDER}/{name} of the root folder (it lacks {missing})"
    try:
        return Scorer(metric, _loaded(module, cls, folder), f"{FOLDER}/{name}, weights {_weights_hash(folder)}")
    except ModuleNotFoundError as error:
        return f"not computed: needs the package {error.name}. Install it: {INSTALL}."
    except EvalError:
        raise
    except Exception as error:
        raise EvalError(f"{folder}: cannot be loaded for {metric} ({type(error).__name__}: {error}).") from error


@lru_cache(maxsize=len(FOLDERS))
def _loaded(module: str, cls: str, folder: Path) -> Compute:
    """Load weights once for all benchmarks."""
    compute: Compute = getattr(importlib.import_module(f"eval.metrics.reports.{module}"), cls)(folder)
    return compute


def _weights_hash(folder: Path) -> str:
    """The first digits of the hash of a folder's largest file, its weights."""
    largest = max((path for path in sorted(folder.rglob("*")) if path.is_file()), key=lambda path: path.stat().st_size)
    return f"sha256 {file_sha256(largest)[:12]}"


def _radcliq(found: Mapping[str, Scorer | str]) -> Scorer | str:
    parts = {part: found[part] for part in ("f1_radgraph", "bertscore", "chexbert")}
    lacking = [f"{FOLDER}/{FOLDERS[part][0]}" for part, scorer in parts.items() if isinstance(scorer, str)]
    if lacking:
        return f"not computed: its inputs are other metrics, which need {', '.join(lacking)} of the root folder"
    ready = [scorer for scorer in parts.values() if isinstance(scorer, Scorer)]
    return Scorer("radcliq", RadCliQ(*ready), "; ".join([INPUTS, *(f"{part.metric}: {part.note}" for part in ready)]))


def _named(path: Path) -> dict[str, Scorer]:
    """Load the functions that a file names; none if there is no such file."""
    if not path.is_file():
        return {}
    try:
        named = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise EvalError(f"{path}: not YAML ({error}).") from error
    if not isinstance(named, dict):
        raise EvalError(f"{path}: expected one `metric: module:function` per line.")
    known = dict.fromkeys((*METRICS, *FOLDERS))
    unknown = sorted(str(name) for name in named if name not in known)
    if unknown:
        raise EvalError(f"{path}: {unknown[0]}: no such metric. Known: {', '.join(known)}.")
    return {name: Scorer(name, _function(path, name, str(place)), f"{FILE}: {place}") for name, place in named.items()}


def _function(path: Path, metric: str, place: str) -> Compute:
    module, _, function = place.partition(":")
    sys.path.insert(0, str(path.parent))
    try:
        compute: Compute = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise EvalError(f"{path}: {metric}: {place!r} is no function ({error}). Expected: module:function.") from error
    finally:
        sys.path.remove(str(path.parent))
    return compute

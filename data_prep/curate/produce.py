"""Run a step: ask about every row, then write what came of them as a dataset folder."""

import errno
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from data_prep import manifest
from data_prep.assemble import Extra
from data_prep.build import BuildError, build, refuse_unknown_files
from data_prep.curate import estimate
from data_prep.curate.ask import Asking, Outcome
from data_prep.curate.errors import CurateError
from data_prep.curate.estimate import Estimate
from data_prep.curate.items import Item, Unusable
from data_prep.curate.made_rows import MadeFiles, line_at
from data_prep.curate.model_checks import ModelChecks
from data_prep.curate.progress import Progress
from data_prep.curate.replies import Replies
from data_prep.curate.step_file import Loaded
from data_prep.llm.client import Client
from data_prep.llm.connection import Connection, ServerError, connect
from data_prep.mixture import Duplicates, Mixture
from data_prep.shards import split_of
from data_prep.sources.dataset import REVIEW

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LINES = "curation.jsonl"
"""One line a row, in the order of the rows: what it was made from, and what the checks found."""


def produce(loaded: Loaded, out: Path, command: str) -> dict[str, Any] | None:
    """Run a step into the folder `out` and return its manifest; None if `out` already holds the same.

    Replies are kept in `OUT.replies.jsonl`; with them, the same command resumes a run that ended early.
    Raises CurateError, and BuildError if the rows cannot be written.
    """
    counted = estimate.estimate(loaded)
    print(estimate.said(loaded, counted), file=sys.stderr)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(out.with_name(f".{out.name}.curate.lock"), timeout=0):
            checks = _ask(loaded, out, counted)
            return _write(loaded, checks, out, command, counted)
    except Timeout as error:
        raise CurateError(f"{out}: another run is writing it; wait for its end or give another --out") from error
    except OSError as error:
        if error.errno not in _FULL:
            raise CurateError(f"{error.filename or out}: {error.strerror}; give another --out") from error
        raise CurateError(
            f"{out}: the disk is full; replies are kept: free space and run the same command to resume"
        ) from error


def _ask(loaded: Loaded, out: Path, counted: Estimate) -> ModelChecks | None:
    """Ask about every row whose reply is not kept, then for the back-translations."""
    if loaded.prompt is None:
        return None
    replies = Replies(out.with_name(f"{out.name}.replies.jsonl"), loaded.step.limits.characters)
    asking = Asking(loaded.step, loaded.kind, loaded.prompt, loaded.inputs, replies)
    if any(map(asking.next_request, _items(loaded))):
        refuse_unknown_files(out)  # before a reply is paid for
        progress = Progress(loaded, counted)
        asking.run(_items(loaded), _client(loaded, progress), progress)
    checks = ModelChecks(loaded, asking, out.with_name(f"{out.name}.similarity.jsonl"))
    if checks.back is not None and not checks.is_kept(_items(loaded)):
        reversed_step = replace(loaded, step=checks.back.step)
        progress = Progress(reversed_step, counted)
        checks.run(_items(loaded), _client(reversed_step, progress), progress)
    return checks


def _items(loaded: Loaded) -> Iterator[Item]:
    return (one for one in estimate.work(loaded) if isinstance(one, Item))


def _client(loaded: Loaded, progress: Progress) -> Client:
    model = loaded.step.asked
    try:
        connection: Connection = connect(
            model.base_url,
            model.api_key_variable,
            options=("--base-url", "model.api_key_variable"),
            concurrency=model.concurrency,
            timeout=model.timeout,
            retries=model.retries,
            waits_as_asked=True,
            on_wait=progress.wait,
        )
        connection.check_server()
    except ServerError as error:
        raise CurateError(f"{loaded.step.name}: {error}") from error
    give_up = max(8, model.concurrency)
    return Client(connection, model.name, temperature=model.temperature, give_up_after=give_up)


def _write(
    loaded: Loaded, checks: ModelChecks | None, out: Path, command: str, counted: Estimate
) -> dict[str, Any] | None:
    folder = out.with_name(f".{out.name}.made")
    shutil.rmtree(folder, ignore_errors=True)  # left by a killed run
    folder.mkdir()
    try:
        with MadeFiles(folder, loaded.inputs) as files:
            account = _Account(loaded)
            for one in estimate.work(loaded):
                _add(loaded, checks, one, files, account)
        listed = files.sources()
        if not listed:
            raise BuildError(
                f"{loaded.step.name}: the input has no row for a step of the kind {loaded.step.kind}, which takes "
                f"{loaded.kind.TAKES}"
            )
        mixture = Mixture(
            name=loaded.step.name,
            sources=[source for source, _ in listed],
            entries=[entry for _, entry in listed],
            duplicates=Duplicates(exact=False, near=False),
            identity="keep",
            checks=False,
            shuffle=False,
        )
        about = account.about(counted.skipped)
        return build(
            mixture, out, command, extra=Extra(manifest.digest(about), lambda made: _extra(loaded, files, about, made))
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _add(
    loaded: Loaded, checks: ModelChecks | None, one: Item | Unusable, files: MadeFiles, account: "_Account"
) -> None:
    """Write what came of one row."""
    if isinstance(one, Unusable):
        files.reject(one.place, one.source, one.rejected.id, one.rejected.reason, one.rejected.detail)
        return
    outcome = checks.outcome(one) if checks else Outcome((), (), (), one.sample.generator)
    account.add(outcome)
    in_ledger = bool(outcome.findings) and loaded.step.on_failure == "ledger" and not loaded.kind.REVIEWS_ALL
    if outcome.draft is None or in_ledger:
        detail = "; ".join(finding.detail for finding in outcome.findings)
        files.reject(one.place, one.source, one.sample.id, outcome.findings[0].check, detail)
        return
    if loaded.step.limits.new_terms:
        account.new_terms += loaded.kind.new_terms(one, outcome.draft)
    waits = bool(outcome.findings) or loaded.kind.REVIEWS_ALL
    original, language = one.sample.messages, one.sample.language
    for made in loaded.kind.made(one, outcome.draft, outcome.generator):
        line = {
            "id": made.id,
            "split": one.split,
            "findings": [vars(finding) for finding in outcome.findings],
            "parent": made.parent,
            "original": original,
            "original_language": language,
            "context": one.context,
        }
        files.add(one.place, one.source, REVIEW if waits else one.split, made, line)
        original, language = made.messages, made.language


class _Account:
    """Counts what a step did, from the replies that its rows depend on, so that a resumed run counts the same."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.calls = self.tokens_in = self.tokens_out = self.again = self.new_terms = 0
        self.findings: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count a row."""
        self.calls += len(outcome.replies)
        self.again += len(outcome.replies) > 1
        self.tokens_in += sum(reply.tokens_in for reply in outcome.replies)
        self.tokens_out += sum(reply.tokens_out for reply in outcome.replies)
        self.findings.update({finding.check for finding in outcome.findings})

    def about(self, skipped: int) -> dict[str, Any]:
        """The manifest's entry."""
        step, prompt = self._loaded.step, self._loaded.prompt
        made: dict[str, Any] = {"kind": step.kind, "step": step.name, "skipped": skipped}
        if prompt is None:
            return made
        made |= {"model": step.asked.name, "prompt_sha256": prompt.sha256}
        made |= {"examples_sha256": prompt.examples_sha256, "glossary_sha256": self._loaded.glossary_sha256}
        made |= {"temperature": step.asked.temperature, "calls": self.calls, "asked_again": self.again}
        made |= {"tokens_in": self.tokens_in, "tokens_out": self.tokens_out}
        made |= {"cost": estimate.cost(self._loaded, self.tokens_in, self.tokens_out)}
        made |= {"failed_checks": dict(sorted(self.findings.items())), "review": vars(step.review)}
        made |= {"new_terms": self.new_terms} if step.limits.new_terms else {}
        return {key: value for key, value in made.items() if value not in ("", None)}


def _extra(loaded: Loaded, files: MadeFiles, about: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write curation.jsonl, and the files of the kind, into the unfinished dataset folder."""
    places = files.places()
    waiting = 0
    with (folder / LINES).open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        for shard in sorted(folder.glob("*.parquet")):
            ids = pq.read_table(shard, columns=["id"])["id"].to_pylist()
            waiting += len(ids) if split_of(shard.name) == REVIEW else 0
            for row_id in ids:
                file.write(json.dumps(line_at(*places[row_id]), ensure_ascii=False) + "\n")
    lines = {row_id: line_at(*place) for row_id, place in places.items()} if loaded.kind.REVIEWS_ALL else {}
    return {
        "files": [LINES, *loaded.kind.files(folder, lines)],
        "manifest": {"curation": {**about, "review_waiting": waiting}},
    }

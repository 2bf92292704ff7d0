"""Push a merged checkpoint and its card to the Hugging Face Hub.

Only huggingface_hub reads the token (`hf auth login`, HF_TOKEN).
"""

from __future__ import annotations

from collections.abc import Iterator

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.publish import licences
from bimedix2_plugin.publish.card import render
from bimedix2_plugin.publish.facts import CARD, Facts, files_of

LARGE_BYTES = 50_000_000_000  # larger checkpoints are uploaded resumably, with progress in the folder's .cache


def prepare(facts: Facts, repo: str) -> Iterator[str]:
    """Write the card if there is none, and list the files to push.

    Args:
        facts: of the checkpoint.
        repo: owner/name on the Hub.

    Yields:
        Lines to print.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise RecipeError(f"--repo: {error}") from error
    if "/" not in repo:
        raise RecipeError(f"--repo: write owner/name, not {repo}.")
    card = facts.folder / CARD
    if card.exists():
        yield f"{card} exists and is kept; remove it to write a new one"
    else:
        card.write_text(render(facts, repo), encoding="utf-8")
        yield f"{card} written: read it, and add what is missing"
    files = files_of(facts.folder, facts.composition)
    yield from (f"{file.stat().st_size:>15,}  {file.name}" for file in files)
    yield f"{sum(file.stat().st_size for file in files):>15,}  in {len(files)} files to {repo}"
    yield from (f"note: {remark}" for remark in licences.remarks(facts.base, facts.manifests, repo))


def push(facts: Facts, repo: str, *, private: bool) -> str:
    """Push the checkpoint; return its address. A second push sends missing and changed files.

    Args:
        facts: of the checkpoint.
        repo: owner/name on the Hub; created if it does not exist.
        private: whether a new repository is private; an existing one is not changed.

    Raises:
        RecipeError: the Hub refuses, or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    files = files_of(facts.folder, facts.composition)
    names, api = [file.name for file in files], HfApi()
    try:
        address = api.create_repo(repo, private=private, exist_ok=True)
        if sum(file.stat().st_size for file in files) > LARGE_BYTES:
            api.upload_large_folder(repo, facts.folder, repo_type="model", allow_patterns=names)
        else:
            api.upload_folder(
                repo_id=repo, folder_path=facts.folder, allow_patterns=names, commit_message="Merged checkpoint"
            )
    except (HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RecipeError(
            f"{repo}: the push failed ({type(error).__name__}: {reason}). Run `hf auth login` with a token that may "
            "write there, check the name and the network, and run the same command again."
        ) from error
    return str(address)

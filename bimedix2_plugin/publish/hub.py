"""The push of a finished checkpoint, with its card, to the Hugging Face Hub.

The token is huggingface_hub's own affair (`hf auth login`, HF_TOKEN); nothing here reads it.
"""

from __future__ import annotations

from collections.abc import Iterator

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.publish import licences
from bimedix2_plugin.publish.card import render
from bimedix2_plugin.publish.facts import Facts
from bimedix2_plugin.publish.finished import CARD, files_of

LARGE_BYTES = 50_000_000_000  # above it in resumable pieces; what is sent is kept in the folder's .cache


def prepare(facts: Facts, repo: str) -> Iterator[str]:
    """Write the card where there is none, and tell what would go.

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
        yield f"{card} is there and is kept; remove it for a new one"
    else:
        card.write_text(render(facts, repo), encoding="utf-8")
        yield f"{card} written: read it, and add what only you know"
    files = files_of(facts.folder, facts.composition)
    yield from (f"{file.stat().st_size:>15,}  {file.name}" for file in files)
    yield f"{sum(file.stat().st_size for file in files):>15,}  in {len(files)} files to {repo}"
    yield from (f"note: {remark}" for remark in licences.remarks(facts.base, facts.manifests, repo))


def push(facts: Facts, repo: str, *, private: bool) -> str:
    """Send the checkpoint; return its address. Running it again sends what is missing or has changed.

    Args:
        facts: of the checkpoint.
        repo: owner/name on the Hub; made where it is not there.
        private: whether a new repository is private; one that is there stays as it is.

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
            f"{repo}: the Hub did not take it ({type(error).__name__}: {reason}). Run `hf auth login` with a token "
            "that may write there, check the name and the network, and run the same command again."
        ) from error
    return str(address)

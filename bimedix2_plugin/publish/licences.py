"""What the base's and the data's licences ask of whoever publishes the weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BaseLicence:
    """The licence of a family of language models.

    Attributes:
        names: pattern of the models' names.
        identifier: the Hub's.
        url: its text.
        credit: what the card has to say.
        name_start: what the published model's name has to begin with, or "".
    """

    names: str
    identifier: str
    url: str
    credit: str
    name_start: str = ""


def _llama(version: str) -> BaseLicence:
    """Section 1.b of each Llama licence from 3.1 on asks for the credit, the notice and the name."""
    notice = f"Llama {version} is licensed under the Llama {version} Community License"
    return BaseLicence(
        names=rf"Llama-{re.escape(version)}",
        identifier=f"llama{version}",
        url=f"https://www.llama.com/llama{version.replace('.', '_')}/license/",
        credit=f"Built with Llama. {notice}, Copyright © Meta Platforms, Inc. All Rights Reserved.",
        name_start="Llama",
    )


BASES = (
    _llama("3.1"),
    _llama("3.2"),
    _llama("3.3"),
    BaseLicence(
        names=r"gemma-",
        identifier="gemma",
        url="https://ai.google.dev/gemma/terms",
        credit="Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms.",
    ),
)


def of_base(name: str) -> BaseLicence | None:
    """Look up the licence of a base by its name; None for one that asks nothing of a name or a card."""
    return next((entry for entry in BASES if re.search(entry.names, name, re.IGNORECASE)), None)


def closed_sources(manifests: Sequence[dict[str, Any]]) -> list[str]:
    """Name the data sources whose rows and images may not be given on."""
    sources = [source for manifest in manifests for source in manifest["sources"]]
    return list(dict.fromkeys(source["name"] for source in sources if not source.get("redistribute", True)))


def remarks(base: str, manifests: Sequence[dict[str, Any]], repo: str) -> list[str]:
    """Tell what the licences ask for that the card alone does not settle.

    Args:
        base: the language model's name.
        manifests: of the training data.
        repo: where the checkpoint goes, owner/name.
    """
    said = []
    licence = of_base(base)
    if licence and licence.name_start and not repo.rpartition("/")[2].startswith(licence.name_start):
        said.append(
            f"{base}: its licence asks for a model name that begins with {licence.name_start!r}; {repo} does not."
        )
    if licence:
        said.append(f"{base}: its licence asks for a copy of itself with the weights: {licence.url}")
    if closed := closed_sources(manifests):
        said.append(
            f"Trained on {', '.join(closed)}, whose rows and images may not be given on: read whether their terms "
            "allow weights that were trained on them."
        )
    return said

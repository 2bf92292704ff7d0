"""What the licences of the base and the data require from the publisher of the weights."""

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
        credit: text that the card has to contain.
        name_start: required start of the published model's name, or "".
    """

    names: str
    identifier: str
    url: str
    credit: str
    name_start: str = ""


def _llama(version: str) -> BaseLicence:
    """Section 1.b of each Llama licence from 3.1 on requires the credit, the notice and the name."""
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
        names=r"medgemma",
        identifier="other",
        url="https://developers.google.com/health-ai-developer-foundations/terms",
        credit="HAI-DEF is provided under and subject to the Health AI Developer Foundations Terms of Use found at "
        "https://developers.google.com/health-ai-developer-foundations/terms.",
    ),
    BaseLicence(
        names=r"gemma-",
        identifier="gemma",
        url="https://ai.google.dev/gemma/terms",
        credit="Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms.",
    ),
)


def of_base(name: str) -> BaseLicence | None:
    """Look up a base's licence by the base's name; None if it requires nothing of name or card."""
    return next((entry for entry in BASES if re.search(entry.names, name, re.IGNORECASE)), None)


def closed_sources(manifests: Sequence[dict[str, Any]]) -> list[str]:
    """Return the data sources whose rows and images must not be redistributed."""
    sources = [source for manifest in manifests for source in manifest["sources"]]
    return list(dict.fromkeys(source["name"] for source in sources if not source.get("redistribute", True)))


def remarks(base: str, manifests: Sequence[dict[str, Any]], repo: str) -> list[str]:
    """Return the licences' requirements that the card does not fulfil.

    Args:
        base: the language model's name.
        manifests: of the training data.
        repo: where the checkpoint goes, owner/name.
    """
    found = []
    licence = of_base(base)
    if licence and licence.name_start and not repo.rpartition("/")[2].startswith(licence.name_start):
        found.append(
            f"{base}: its licence requires a model name that begins with {licence.name_start!r}; {repo} does not."
        )
    if licence:
        found.append(f"{base}: its licence requires a copy of itself with the weights: {licence.url}")
    if closed := closed_sources(manifests):
        found.append(
            f"Trained on {', '.join(closed)}, whose rows and images must not be redistributed: check whether their "
            "terms allow publishing weights that were trained on them."
        )
    return found

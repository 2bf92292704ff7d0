"""A rehearsal's report: the table that is printed, and the JSON and Markdown files for a bug report."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bimedix2_plugin.rehearse.proof import NUMBERS, Proof

_PACKAGES = (
    "axolotl",
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "accelerate",
    "kernels",
    "flash-attn",
    "deepspeed",
)
_MARKS = {"passed": "passed", "failed": "FAILED", "not possible here": "not possible here"}


@dataclass
class Report:
    """What a rehearsal found.

    Attributes:
        recipes: the recipes' paths, by stage.
        replaced: what differs from the recipe on this machine, one line each.
        proofs: in the order in which they were made.
        seconds: of each command.
        failure: the message with which the rehearsal ended early, or "".
        log: the last lines of the command that failed.
    """

    recipes: dict[str, str]
    replaced: list[str] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failure: str = ""
    log: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything that is possible here was shown."""
        return bool(self.proofs) and not self.failure and all(proof.state != "failed" for proof in self.proofs)

    def table(self) -> list[str]:
        """Return the proofs as lines of text."""
        width = max((len(proof.name) for proof in self.proofs), default=0)
        return [
            f"  stage {NUMBERS[proof.stage]}  {proof.name:<{width}}  {_MARKS[proof.state]}: {proof.detail}"
            for proof in self.proofs
        ]

    def write(self, folder: Path) -> Path:
        """Write `report.json` and `report.md`; return the latter's path."""
        folder.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = asdict(self) | {"passed": self.passed, "machine": machine()}
        (folder / "report.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        path = folder / "report.md"
        path.write_text("\n".join(self._markdown()) + "\n", encoding="utf-8")
        return path

    def _markdown(self) -> list[str]:
        lines = [f"# Rehearsal of {', '.join(self.recipes.values())}", ""]
        lines += [f"- {key}: {value}" for key, value in machine().items()]
        lines += ["", "Replaced on this machine:", "", *(f"- {line}" for line in self.replaced)]
        lines += ["", "| stage | proof | result | detail |", "|---|---|---|---|"]
        lines += [f"| {NUMBERS[p.stage]} | {p.name} | {p.state} | {p.detail} |" for p in self.proofs]
        lines += ["", "| command | seconds |", "|---|---|"]
        lines += [f"| {name} | {seconds:.0f} |" for name, seconds in self.seconds.items()]
        if self.failure:
            lines += ["", self.failure, "", "```", self.log, "```"]
        return lines


def machine() -> dict[str, str]:
    """Return the hardware and the versions that a bug report needs; no host name and no path."""
    import torch

    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    found = {"python": platform.python_version(), "gpus": ", ".join(gpus) or "none"}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

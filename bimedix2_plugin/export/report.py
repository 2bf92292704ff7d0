"""What an export tells its user."""

from __future__ import annotations

from bimedix2_plugin.export.export import MMPROJ, Export
from bimedix2_plugin.export.text_half import MODEL


def lines(made: Export) -> list[str]:
    """Return the lines to print: what was compared, what an unprepared image costs, how to serve the files."""
    proof = made.proof
    equal = sum(probe.tokens for probe in proof.probes)
    said = [f"{made.build}: {equal} tokens of {len(proof.probes)} greedy answers are transformers'"]
    said += [f"  {probe.name}: {probe.tokens} tokens" for probe in proof.probes]
    if proof.embeddings:
        said.append(f"embeddings of a prepared image: {proof.embeddings}")
    if proof.raw:
        said.append(f"embeddings of an image sent as it is: {proof.raw}")
    for one in made.quantised:
        if not one.problem:
            share = f"{one.size / 1e9:.2f} GB, {one.size / (made.folder / MODEL).stat().st_size:.0%} of {MODEL}"
            said.append(f"{one.file} ({share}): {one.tokens} of {one.of} greedy tokens are transformers'")
    if made.note:
        said.append(made.note)
    vision = f" --mmproj {made.folder / MMPROJ}" if (made.folder / MMPROJ).is_file() else ""
    return [*said, f"serve it: llama-server -m {made.folder / MODEL}{vision}"]

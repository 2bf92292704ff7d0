"""Render the model card: the Hub's metadata, and what users of the weights have to know."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bimedix2_plugin.publish import licences
from bimedix2_plugin.publish.facts import Facts

WARNING = (
    "> **Not for medical use.** This model is not a medical device. It invents findings and states them with "
    "confidence. Do not use its answers for diagnosis, treatment or any decision about a patient."
)
_USE = """\
```python
from PIL import Image
from transformers import AutoProcessor, {architecture}

processor = AutoProcessor.from_pretrained("{repo}")
model = {architecture}.from_pretrained("{repo}", device_map="auto")
turn = [{{"type": "image"}}, {{"type": "text", "text": "What does this image show?"}}]
prompt = processor.apply_chat_template([{{"role": "user", "content": turn}}], add_generation_prompt=True)
inputs = processor(text=prompt, images=[Image.open("image.png")], add_special_tokens=False, return_tensors="pt")
tokens = model.generate(**inputs.to(model.device), max_new_tokens=256)
print(processor.decode(tokens[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```"""
_LIMITS = """\
For research on medical vision-language models in Arabic and English: questions about a medical image, report-like
descriptions, questions without an image.

- Not evaluated in clinical use. Not for patients, and not for anyone who cannot verify the answer.
- Answers can be wrong, incomplete, or about something that is not in the image. Arabic and English answers to the same
  question can differ.
- Kinds of images that are not in the training data, other languages and long conversations were not tested.
- Biases of the base, of the tower and of the training data remain.
- Answers can repeat text in an image, such as a name or a date: remove identifying text first."""


def render(facts: Facts, repo: str) -> str:
    """Return the text of the card, README.md.

    Args:
        facts: of the checkpoint.
        repo: its name on the Hub, owner/name.
    """
    licence = licences.of_base(facts.base)
    sections = [
        f"# {cell(repo.rpartition('/')[2])}",
        *([cell(licence.credit)] if licence else []),
        WARNING,
        _parts(facts),
        "## Use\n\n" + _USE.format(repo=repo, architecture=facts.architecture[0]),
        "## Intended use and limits\n\n" + _LIMITS,
        "## Training data\n\n" + _data(facts),
        "## Hyperparameters\n\n" + _hyperparameters(facts),
        "## Evaluation\n\n" + _evaluation(facts),
        "## Licences\n\n" + _licences(facts),
    ]
    return f"---\n{_metadata(facts)}\n---\n\n" + "\n\n".join(sections) + "\n"


def _metadata(facts: Facts) -> str:
    from huggingface_hub import ModelCardData

    base = licences.of_base(facts.base)
    licence = facts.licence or (base.identifier if base else "other")
    return str(
        ModelCardData(
            base_model=facts.on_hub or None,
            datasets=list(facts.datasets) or None,
            language=["en", "ar"],
            license=licence,
            license_name="see-licences-below" if licence == "other" else None,
            library_name="transformers",
            pipeline_tag="image-text-to-text",
            tags=[tag for tag in ("medical", facts.architecture[1], "arabic") if tag],
        ).to_yaml()
    )


def _parts(facts: Facts) -> str:
    base = "language model" if facts.tower else "model, with its own vision tower"
    named = ((base, "base", facts.base), ("vision tower", "tower", facts.tower))
    parts = [
        (part, name, "not from the Hub" if (revision := facts.composition[key]["revision"]) == "local" else revision)
        for part, key, name in named
        if name
    ]
    kind = facts.composition["projector"].get("kind", "the model's own")
    return (
        f"A vision-language model for Arabic and English (`{facts.architecture[0]}`). An adapter and a projector "
        "were trained and merged into these models.\n\n"
        + table(("part", "name", "revision"), [*parts, ("projector", kind, "trained in full")])
    )


def _data(facts: Facts) -> str:
    if not facts.manifests and not facts.missing:
        return "Not recorded: the card was made from the checkpoint only."
    text = []
    for manifest in facts.manifests:
        counts = ", ".join(f"{language}: {rows:,}" for language, rows in manifest["counts"]["language"].items())
        rows = [
            (source["name"], source["version"], source["licence"], "yes" if source.get("redistribute", True) else "no")
            for source in manifest["sources"]
        ]
        head = f"`{cell(manifest['name'])}`: {manifest['written']:,} rows in all splits ({cell(counts)})."
        text.append(head + "\n\n" + table(("source", "version", "licence", "redistributable"), rows))
    if facts.missing:
        text.append(f"Without a manifest, so not described here: {cell(', '.join(facts.missing))}.")
    if closed := licences.closed_sources(facts.manifests):
        text.append(
            f"**Rows and images of {cell(', '.join(closed))} must not be redistributed.** They are not in this "
            "repository. Their terms may also apply to weights that were trained on them."
        )
    return "\n\n".join(text)


def _hyperparameters(facts: Facts) -> str:
    if not facts.hyperparameters:
        return "Not recorded: the card was made from the checkpoint only."
    head = ("key of the recipe", "value")
    text = table(head, facts.hyperparameters.items())
    if facts.first_stage:
        return (
            f"{text}\n\nStage 1, in which only the projector was trained:\n\n{table(head, facts.first_stage.items())}"
        )
    if start := facts.composition["projector"].get("init_from"):
        name = cell(Path(start).name)
        return f"{text}\n\nThe projector comes from a stage 1 whose settings are not recorded here ({name})."
    return text


def _evaluation(facts: Facts) -> str:
    """Show scores over all items and by language; the results folder has the other groups."""
    shown = [line for line in facts.scores if line["value"] is not None and set(line["subgroup"] or {}) <= {"language"}]
    if not shown:
        return "Not evaluated, or no results were given."
    rows = [
        (
            line["name"],
            line["metric"],
            line["subgroup"].get("language", "all"),
            _value(line),
            line["n"],
            line["unscored"],
        )
        for line in shown
    ]
    head = ("benchmark", "metric", "language", "value, 95% interval", "items", "unscored")
    return "Fractions are in percent.\n\n" + table(head, rows)


def _value(line: dict[str, Any]) -> str:
    factor = 100 if line.get("unit", "fraction") == "fraction" else 1
    bounds = ", ".join(f"{factor * bound:.1f}" for bound in line.get("interval") or ())
    interval = f" [{bounds}]" if bounds else ""
    cautions = [line[key] for key in ("asked", "images") if line.get(key)]
    return "; ".join([f"{factor * line['value']:.1f}{interval}", *cautions])


def _licences(facts: Facts) -> str:
    base = licences.of_base(facts.base)
    lines = [
        f"- {cell(facts.base)}: {base.identifier}, {base.url}" if base else f"- {cell(facts.base)}: its own licence"
    ]
    lines += [f"- {cell(facts.tower)}: its own licence"] if facts.tower else []
    data = dict.fromkeys(source["licence"] for manifest in facts.manifests for source in manifest["sources"])
    lines += [f"- training data: {cell(name)}" for name in data]
    return "The licences of all parts apply to the weights:\n\n" + "\n".join(lines)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Render a Markdown table; its cells are escaped."""
    lines = [head, ["---"] * len(head), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    """Escape a value so that Markdown and HTML in it are shown as text."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"([\\`*_\[\]|#!])", r"\\\1", html.escape(" ".join(text.split()), quote=False))

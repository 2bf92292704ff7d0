"""The model card: the Hub's metadata, and what a reader must know before using the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bimedix2_plugin.publish import licences
from bimedix2_plugin.publish.facts import Facts
from bimedix2_plugin.publish.markup import cell, table

WARNING = (
    "> **Not for medical use.** This model is not a medical device. It makes up findings, and sounds sure of them. Do "
    "not use its answers for diagnosis, treatment or any decision about a patient."
)
_USE = """\
```python
from PIL import Image
from transformers import AutoProcessor, LlavaForConditionalGeneration

processor = AutoProcessor.from_pretrained("{repo}")
model = LlavaForConditionalGeneration.from_pretrained("{repo}", device_map="auto")
turn = [{{"type": "image"}}, {{"type": "text", "text": "What does this image show?"}}]
prompt = processor.apply_chat_template([{{"role": "user", "content": turn}}], add_generation_prompt=True)
inputs = processor(text=prompt, images=[Image.open("image.png")], add_special_tokens=False, return_tensors="pt")
tokens = model.generate(**inputs.to(model.device), max_new_tokens=256)
print(processor.decode(tokens[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```"""
_LIMITS = """\
For research on medical vision-language models in Arabic and English: questions about a medical image, report-like
descriptions, text questions.

- Not evaluated in clinical use. Not for patients, and not for anyone who cannot check the answer.
- Answers can be wrong, incomplete, or about something that is not in the image; Arabic and English answers to one
  question can differ.
- Images of another kind than those of its training data, other languages and long conversations were not tried.
- Biases of the base, of the tower and of the training data remain.
- Text in an image (a name, a date) can come back in an answer: remove what identifies a person first."""


def render(facts: Facts, repo: str) -> str:
    """Return the card as README.md has it.

    Args:
        facts: what is known of the checkpoint.
        repo: its name on the Hub, owner/name.
    """
    licence = licences.of_base(facts.base)
    sections = [
        f"# {cell(repo.rpartition('/')[2])}",
        *([cell(licence.credit)] if licence else []),
        WARNING,
        _made_of(facts),
        "## Use\n\n" + _USE.format(repo=repo),
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
            tags=["medical", "llava", "arabic"],
        ).to_yaml()
    )


def _made_of(facts: Facts) -> str:
    parts = [
        (part, name, "not from the Hub" if (revision := facts.composition[key]["revision"]) == "local" else revision)
        for part, key, name in (("language model", "base", facts.base), ("vision tower", "tower", facts.tower))
    ]
    kind = facts.composition["projector"]["kind"]
    return (
        "A vision-language model for Arabic and English (`LlavaForConditionalGeneration`): an adapter and a projector "
        "were trained and merged into these.\n\n"
        + table(("part", "name", "revision"), [*parts, ("projector", kind, "trained whole")])
    )


def _data(facts: Facts) -> str:
    if not facts.manifests and not facts.missing:
        return "Not recorded: the card was made from the checkpoint alone."
    text = []
    for manifest in facts.manifests:
        counts = ", ".join(f"{language}: {rows:,}" for language, rows in manifest["counts"]["language"].items())
        rows = [
            (source["name"], source["version"], source["licence"], "yes" if source.get("redistribute", True) else "no")
            for source in manifest["sources"]
        ]
        head = f"`{cell(manifest['name'])}`: {manifest['written']:,} rows of all splits ({cell(counts)})."
        text.append(head + "\n\n" + table(("source", "version", "licence", "may be given on"), rows))
    if facts.missing:
        text.append(f"Not described here: {cell(', '.join(facts.missing))}.")
    if closed := licences.closed_sources(facts.manifests):
        text.append(
            f"**Rows and images of {cell(', '.join(closed))} may not be given on.** They are not in this repository. "
            "Their terms may also bind weights that were trained on them."
        )
    return "\n\n".join(text)


def _hyperparameters(facts: Facts) -> str:
    if not facts.hyperparameters:
        return "Not recorded: the card was made from the checkpoint alone."
    head = ("key of the recipe", "value")
    text = table(head, facts.hyperparameters.items())
    if facts.first_stage:
        return (
            f"{text}\n\nStage 1, in which the projector alone was trained:\n\n{table(head, facts.first_stage.items())}"
        )
    if start := facts.composition["projector"].get("init_from"):
        return f"{text}\n\nThe projector comes from a stage 1 that is not described here ({cell(Path(start).name)})."
    return text


def _evaluation(facts: Facts) -> str:
    """Show scores over all items and by language; finer groups stay in the results."""
    shown = [line for line in facts.scores if line["value"] is not None and set(line["subgroup"] or {}) <= {"language"}]
    if not shown:
        return "Not evaluated, or the results were not at hand."
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
    head = ("benchmark", "metric", "language", "value ± standard error", "items", "unscored")
    return "Fractions are in percent.\n\n" + table(head, rows)


def _value(line: dict[str, Any]) -> str:
    factor = 100 if line.get("unit", "fraction") == "fraction" else 1
    error = "" if line["stderr"] is None else f" ± {factor * line['stderr']:.1f}"
    return f"{factor * line['value']:.1f}{error}"


def _licences(facts: Facts) -> str:
    base = licences.of_base(facts.base)
    lines = [
        f"- {cell(facts.base)}: {base.identifier}, {base.url}" if base else f"- {cell(facts.base)}: its own licence"
    ]
    lines += [f"- {cell(facts.tower)}: its own licence"]
    data = dict.fromkeys(source["licence"] for manifest in facts.manifests for source in manifest["sources"])
    lines += [f"- training data: {cell(name)}" for name in data]
    return "The weights are under the licences of all their parts:\n\n" + "\n".join(lines)

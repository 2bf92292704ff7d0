"""Results folders with benchmarks in them, made by hand: scores are given, not computed."""

import json
from dataclasses import asdict, replace

from eval.items import Prediction
from eval.judge.instructions import PLAIN
from eval.judge.verdicts import VerdictsFile, path_of, sha256
from eval.report.paper import TABLES, published
from eval.scores import Score


def benchmark_header(name, **more):
    """The header of a benchmark's predictions file."""
    return {
        "format": 1,
        "model": "outputs/bimedix2-8b",
        "checkpoint_sha256": "0" * 64,
        "engine": {"name": "transformers", "version": "5", "prompt_tokens": "verified"},
        "images": "shown",
        "permuted": None,
        "generation": {"decoding": "greedy", "max_new_tokens": 64},
        "benchmark": {"name": name, "split": "test", "sha256": "1" * 64, "licence": "CC0-1.0", "limit": None},
        "versions": {"torch": "0"},
        **more,
    }


def write_run(folder, name, lines=(), **header):
    """Write a benchmark's predictions file."""
    path = folder / "predictions" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [{"header": benchmark_header(name, **header)}, *(line.record() for line in lines)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def write_scores(folder, scores):
    """Write scores.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scores.json").write_text(json.dumps([asdict(score) for score in scores]), encoding="utf-8")


def fraction(name, metric, value, subgroup=None, **more):
    """A score of 100 items with an interval of 5 points to each side."""
    interval = None if value is None else (max(0.0, value - 0.05), min(1.0, value + 0.05))
    score = Score(name, metric, value, 100, 0.02, 0, dict(subgroup or {}), interval)
    return Score(**{**asdict(score), **more})


def published_scores(model, keys=None):
    """The published numbers of a model as scores of ours, over the tables with these keys, or all."""
    return [
        fraction(
            row.benchmark,
            row.metric,
            numbers[row.place] / (100 if table.percent else 1),
            row.subgroup,
            unit="score" if row.starred else "fraction",
        )
        for table in TABLES
        if (keys is None or table.key in keys) and (numbers := published(table).get(model))
        for row in table.rows
    ]


def write_published(folder, model, keys=None, **header):
    """Write a results folder whose scores are a model's published numbers."""
    scores = published_scores(model, keys)
    for name in dict.fromkeys(score.name for score in scores):
        write_run(folder, name, **header)
    write_scores(folder, scores)
    return folder


def answer(item, output, gold="yes", language="en", **more):
    """A line of a predictions file."""
    made = {"benchmark": "hand", "task": "vqa_closed", "modality": "ct", "question": f"Question of {item}?"}
    answer = {"item": item, "language": language, "output": output, "gold": gold}
    rest = {"finish_reason": "stop", "tokens": 1, "seconds": 0.1, "facts": {"closed": True, "typed": True}}
    return Prediction(**{**made, **answer, **rest, **more})


def bilingual_vqa(right_en, right_ar, count=12, versions=12):
    """Closed questions, three to an image, and the Arabic versions of the first ones."""
    english = [answer(f"q{n}", "yes" if n < right_en else "no", image_hashes=[f"image {n // 3}"]) for n in range(count)]
    arabic = [
        replace(
            line,
            item=f"{line.item}-ar",
            language="ar",
            gold="نعم",
            output="نعم" if n < right_ar else "لا",
            facts={**line.facts, "version_of": line.item},
        )
        for n, line in enumerate(english[:versions])
    ]
    return [*english, *arabic]


def write_judged(folder, name, replies, header=None, **more):
    """Write a judged run with one answer for each item of `replies`, and the judge's reply to it where there is one."""
    write_run(folder, name, [answer(item, "text", **more) for item in replies], **(header or {}))
    file = VerdictsFile(path_of(folder, name), {"model": "judge", "instructions": "instructions: own"})
    for item, reply in replies.items():
        if reply:
            about = {"key": item, "item": item, "kind": PLAIN, "repeat": 0}
            file.append({**about, "answer_sha256": sha256("text"), "reply": reply})

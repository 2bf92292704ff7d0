"""A live judge: a real language model behind a real OpenAI-compatible server. Small as it is, it judges badly."""

import pytest

from eval.judge.client import JudgeSettings
from eval.judge.run import judge
from eval.judge.verdicts import read_verdicts
from eval.predictions import read_predictions
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers import judge_builders as make
from tests.helpers.live_server import smollm2

pytestmark = pytest.mark.slow


def test_a_live_judge_gives_verdicts_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(make.VARIABLE, make.KEY)
    root, results = make.bimed_root(tmp_path, published=False), tmp_path / "results"
    for name in ("bimed_mbench_en", "uphill", "safety"):
        path = make.answer_all(results, root, name, lambda item: item.gold or "Ask a doctor.")
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:3]), encoding="utf-8")
    with smollm2(n_ctx=4096, n_parallel=2) as url:
        settings = JudgeSettings("smollm2", url, make.VARIABLE, concurrency=2, timeout=120)
        judge(results, root, [], settings)
    for name in ("bimed_mbench_en", "uphill", "safety"):
        verdicts = read_verdicts(results, name)
        assert len(verdicts) == 2 and all(verdict["reply"] and verdict["tokens_in"] > 100 for verdict in verdicts)
        predictions = read_predictions(results / "predictions" / f"{name}.jsonl")
        first = score_predictions(load(name, root), predictions, verdicts)[0]
        assert first.n + first.unscored == 2 and "judge smollm2; instructions: this project's own" in first.note
    judge(results, root, [], settings)  # the server is gone: nothing is asked
    assert "without a verdict" not in capsys.readouterr().err

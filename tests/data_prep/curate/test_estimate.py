"""What a step costs: counted over its rows, by script, and corrected by the first replies."""

import pytest

from data_prep.curate import estimate, step_file
from data_prep.curate.progress import Progress
from data_prep.llm.client import Reply
from tests.helpers.curation import english_set, translate_step


@pytest.fixture
def loaded(tmp_path):
    english_set(tmp_path)
    step = translate_step(tmp_path, "http://127.0.0.1:9/v1", model={"price_in": 2, "price_out": 10})
    return step_file.load(step)


def test_tokens_are_counted_by_script():
    assert estimate.tokens([{"role": "user", "content": "x" * 400}]) == 100
    assert estimate.tokens([{"role": "user", "content": "ن" * 250}, {"role": "user", "content": "x" * 4}]) == 101


def test_rows_calls_and_cost_are_those_of_the_rows_that_the_step_takes(loaded):
    made = estimate.estimate(loaded)
    assert (made.rows, made.calls, made.skipped, made.unusable) == (3, 3, 0, 0)
    assert estimate.cost(loaded, 1_000_000, 100_000) == 3.0
    assert estimate.hours(36_000, 10, per_second=1) == 1.0
    assert [estimate.in_words(hours) for hours in (0.001, 0.5, 30)] == [
        "less than a minute",
        "about 30 minutes",
        "about 30.0 hours",
    ]
    assert f"{estimate.cost(loaded, made.tokens_in, made.tokens_out):,.2f} at the step's prices" in estimate.said(
        loaded, made
    )


def test_after_fifty_replies_progress_tells_the_tokens_and_cost_of_all_rows(loaded, capsys):
    progress = Progress(loaded, estimate.Estimate(rows=1_000))
    for _ in range(49):
        progress((None, Reply("x", "stop", 100, 10)))
        progress(None)
    assert progress.line(10.0) == "ar: 49 of 1,000 rows, 4.9 per second, 3 min left"
    assert "49 of 1,000 rows, 0.8 per minute, 1164 min left" in progress.line(3_600.0)
    progress((None, Reply("x", "stop", 100, 10)))
    assert progress.line(10.0).endswith("in all about 100,000 tokens in, 10,000 out, 0.30")
    progress.wait(1)
    progress.wait(3_600)
    progress.wait(3_600)
    assert capsys.readouterr().err == "ar: the server asks to wait 3,600 s (429, Retry-After)\n"

"""Rehearsals through the real commands on CUDA: varlen kernels, bf16, 4 bits, peak memory. Never run so far."""

from __future__ import annotations

import json

import pytest

from bimedix2_plugin.rehearse.rehearsal import rehearse
from tests.helpers import rehearsed, runs

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("name", rehearsed.IN_EVERY_TEST_RUN)
def test_everything_is_proved_on_the_gpus(tmp_path, name):
    rehearsed.make_place(tmp_path)
    with runs.inside(tmp_path):
        report = rehearse(rehearsed.RECIPES / f"{name}.yml", data=tmp_path / "rows", out=tmp_path / "out")
    assert report.passed, json.dumps([str(proof) for proof in report.proofs]) + report.failure + report.log
    assert not any(line.startswith(("attn_implementation", "fsdp_config")) for line in report.replaced)

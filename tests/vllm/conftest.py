"""A merged checkpoint that vLLM can load."""

import pytest

from bimedix2_plugin.rehearse import tiny
from tests.helpers import adapters


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A checkpoint whose attention heads are of a width that vLLM has a kernel for."""
    work = tmp_path_factory.mktemp("checkpoint")
    base = tiny.llama(work / "llama", tied=False, hidden=128, heads=2, kv_heads=1)
    folder = adapters.composed(base, tiny.clip_vision(work / "tower", width=64))
    adapters.with_adapter(folder, work / "adapter")
    return adapters.merge(folder, work / "adapter", work / "merged")

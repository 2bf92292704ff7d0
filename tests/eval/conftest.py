"""Session-wide fixtures: one tiny LLaVA, one tiny text model, one tiny data set."""

import pytest

from tests.helpers import eval_builders as make


@pytest.fixture(scope="session")
def llava(tmp_path_factory):
    """A tiny LLaVA checkpoint folder; read it only."""
    return make.write_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="session")
def text_model(tmp_path_factory):
    """A tiny causal language model folder; read it only."""
    return make.write_text_model(tmp_path_factory.mktemp("text_model"))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A tiny data set folder; read it only."""
    splits = {"train": make.TRAIN_ROWS, "heldout_image": make.HELDOUT_ROWS, "heldout_question": make.HELDOUT_ROWS}
    return make.write_data(tmp_path_factory.mktemp("data") / "tiny", splits)

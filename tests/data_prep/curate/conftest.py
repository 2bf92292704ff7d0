"""What the tests of steps share."""

import pytest

from tests.helpers.curation import english_set


@pytest.fixture
def folder(tmp_path):
    """A folder with a small English dataset."""
    english_set(tmp_path)
    return tmp_path

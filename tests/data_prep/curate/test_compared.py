"""The kept normalised form is that of the text, whatever its length."""

import pytest

from data_prep.curate import compared
from data_prep.text import normalise


@pytest.mark.parametrize("length", [1, 200, 30_000])
def test_the_kept_form_is_the_normalised_one(length):
    text = "إيجابيّة: CK7، ٣٫٥ ملغ. " * length
    assert compared.normalised(text) == compared.normalised(text) == normalise.normalised(text)
    assert compared.words(text) == normalise.words(text)


def test_a_runaway_reply_is_not_kept_in_memory():
    compared._kept.cache_clear()
    compared.normalised("a " * 30_000)
    assert compared._kept.cache_info().currsize == 0
    compared.normalised("a")
    assert compared._kept.cache_info().currsize == 1

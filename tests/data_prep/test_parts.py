"""The parts of rows side by side say what the rows one by one say."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data_prep import rows
from data_prep.rows import Reject, Sample, image_part, text_part
from data_prep.text.parts import Parts

TEXTS = st.sampled_from(["a scan", "القلب", "", " ", "\u2003\n", "é", "…", "1"])
PART = st.builds(text_part, TEXTS) | st.builds(image_part) | st.just({"type": "text", "text": None})
ROLES = st.sampled_from(["user", "assistant", "system", "judge"])
TURNS = st.lists(st.fixed_dictionaries({"role": ROLES, "content": st.lists(PART, max_size=3)}), max_size=5)
ALTERNATING = st.lists(st.lists(PART, max_size=2), max_size=4).map(
    lambda turns: [{"role": ("user", "assistant")[n % 2], "content": parts} for n, parts in enumerate(turns)]
)


def sample(messages, images=0):
    return Sample("id", "en", "conversation", "text", messages, "CC0-1.0", tuple(f"{n}.jpg" for n in range(images)))


SAMPLES = st.lists(st.builds(sample, TURNS | ALTERNATING, st.integers(0, 2)), max_size=6)


def passes(one):
    try:
        rows.check(one.messages, len(one.images))
    except Reject:
        return False
    return True


@given(SAMPLES)
@example([sample([]), sample([{"role": "user", "content": []}] * 2)])
def test_a_row_that_is_well_formed_passes_the_check(samples):
    for one, is_well_formed in zip(samples, Parts.of(samples).well_formed().tolist(), strict=True):
        assert passes(one) or not is_well_formed


@pytest.mark.parametrize("images", [0, 1, 2])
def test_questions_and_answers_on_images_are_well_formed(images):
    asked = [*[image_part()] * images, text_part("ما هذا؟")]
    answered = [text_part("A scan.")]
    turns = [asked, answered, [text_part("And?")], answered]
    messages = [{"role": ("user", "assistant")[n % 2], "content": parts} for n, parts in enumerate(turns)]
    assert Parts.of([sample(messages, images), sample(messages[:2], images)]).well_formed().all()


@given(SAMPLES)
def test_the_column_of_messages_is_that_of_the_rows(samples):
    column = pa.array([one.messages for one in samples], rows.SCHEMA.field("messages").type)
    assert Parts.of(samples).messages().equals(column)


@given(SAMPLES, st.data())
def test_the_parts_of_some_rows_are_those_of_the_rows_alone(samples, data):
    wanted = np.array(data.draw(st.lists(st.booleans(), min_size=len(samples), max_size=len(samples))), bool)
    found, alone = Parts.of(samples).where(wanted), Parts.of([samples[n] for n in np.flatnonzero(wanted)])
    assert found.samples == alone.samples
    assert found.messages().equals(alone.messages())
    assert found.row.tolist() == alone.row.tolist() and found.turn.tolist() == alone.turn.tolist()

"""Images read ahead of the engine: in order, each once, a broken one by itself, a bounded number at a time."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import images as reading
from eval.errors import EvalError
from eval.images import DecodedImage, read_ahead, read_image
from tests.helpers import eval_builders as make

FILES = {colour: make.png(colour) for colour in make.COLOURS}


class Files:
    """Files by name, and what was read of them; `broken` ones cannot be decoded, unknown ones not be read."""

    def __init__(self, *broken):
        self.broken, self.read, self.inside = broken, [], 0

    def __call__(self, name):
        self.inside += 1
        assert self.inside == 1, "two threads read at once"
        time.sleep(0)
        self.read.append(name)
        self.inside -= 1
        colour = name.partition("/")[0]
        if colour not in FILES:
            raise EvalError(f"{name}: no such file")
        return b"nothing" if name in self.broken else FILES[colour]


@settings(max_examples=40)
@given(st.lists(st.lists(st.sampled_from([*make.COLOURS, "absent"]), max_size=5), max_size=12))
def test_each_batch_gets_its_own_images(batches):
    files = Files("red")
    for names, images in zip(batches, read_ahead(files, batches), strict=True):
        assert set(images) == set(names)
        for name, image in images.items():
            if name in ("red", "absent"):
                assert isinstance(image, EvalError) and name in str(image)
            else:
                assert isinstance(image, DecodedImage) and image.content == FILES[name]
    assert sorted(files.read) == sorted({name for names in batches for name in names}), "not once each"


def test_the_next_images_are_read_while_the_engine_works():
    files, done = Files(), threading.Event()
    names = [f"red/{number}" for number in range(3 * reading.AHEAD)]
    ahead = read_ahead(files, [[name] for name in names])
    next(ahead)
    for _ in range(1000):
        if len(files.read) >= 1 + reading.AHEAD:
            break
        done.wait(0.01)
    assert set(files.read) == set(names[: 1 + reading.AHEAD]), "not the next ones, or not as many as may be ahead"
    assert [list(images) for images in ahead] == [[name] for name in names[1:]]
    assert sorted(files.read) == sorted(names)


def test_an_image_that_comes_back_late_is_read_again_and_not_kept_for_ever():
    names = ["green", *(f"red/{number}" for number in range(reading.KEPT)), "green"]
    files = Files()
    assert len(list(read_ahead(files, [[name] for name in names]))) == len(names)
    assert sorted(files.read) == sorted(names)
    files = Files()
    assert len(list(read_ahead(files, [[name] for name in [*names[1:-1], names[1]]]))) == len(names) - 1
    assert sorted(files.read) == sorted(names[1:-1])


def test_another_error_than_of_an_image_stops_the_run():
    def broken(name):
        raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError):
        list(read_ahead(broken, [["red"]]))


def test_the_hash_is_that_of_the_file():
    image = read_image(FILES["red"], "red")
    assert image.sha256 == make.key("red") == image.sha256

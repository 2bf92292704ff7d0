"""The page's HTML: texts are shown, none is a tag or a template."""

import html
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.curate.review.session import Session, Shown
from data_prep.curate.review.view import render, safe
from tests.helpers.reviewed import HOSTILE, curated_set, opened, said


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def tags(page):
    parser = _Tags()
    parser.feed(page)
    return parser.tags


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return curated_set(tmp_path_factory.mktemp("set"), passed=2, english=1, hostile=True)


@pytest.fixture
def session(folder):
    curated, store = opened(folder)
    return Session(curated, store, HOSTILE, [row.id for row in curated.rows])


def test_hostile_texts_are_shown_and_none_is_executed(session):
    for row in session.rows:
        page = render(session, Shown(row, message=HOSTILE))
        found = tags(page)
        assert {name for name, _ in found if name in ("script", "iframe", "object")} == set()
        assert all(not key.startswith("on") for _, attributes in found for key in attributes)
        assert all(one["src"].startswith("data:image/png;") for name, one in found if name == "img")
        assert not set("${}`") & set(page)
        assert HOSTILE in html.unescape(page)


@given(st.text())
def test_any_text_is_the_same_once_the_browser_has_read_it(text):
    made = str(safe(text))
    assert html.unescape(made) == html.unescape(html.escape(text))
    assert not set("<>\"'${}`") & set(made)


def test_english_stands_before_arabic_and_arabic_runs_from_right_to_left(session):
    for row in session.rows:
        sides = [one["lang"] for name, one in tags(render(session, Shown(row))) if name == "section"]
        assert sides == ["en", "ar"]
        fields = [one for name, one in tags(render(session, Shown(row))) if name == "textarea"]
        assert {one["dir"] for one in fields} == {"ltr" if row == "messages-p0" else "rtl"}


def test_an_adjudicator_sees_verdicts_without_names(session):
    session.store.put(said("p1", "minor", reviewer="Dr Amal", reason="register", texts=("a", "b")))
    judge = Session(session.curated, session.store, "J", ["messages-p1"], adjudicates=True)
    page = render(judge, Shown("messages-p1"))
    assert "Reviewer 1" in page and "register" in page and "Dr Amal" not in page
    assert "register" not in render(session, Shown("messages-p1"))

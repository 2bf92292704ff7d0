"""The HTML page: whole without the network, harmless whatever a model said, right in both directions of writing."""

import json
from html.parser import HTMLParser

import pytest

from eval.report.blocks import direction, printable
from eval.report.markdown import inline
from eval.report.page import _coded
from eval.report.report import write_report
from tests.helpers import eval_builders
from tests.helpers import report_builders as make

SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = '" onload="alert(2)" \''
MARKDOWN = "**bold** [x](javascript:alert(3))\n\n# heading\n| a | b |"
BIDI = "abc \u202edcba\u202c \u2066x\u2069"
SURROGATE = "broken \ud800 half"
VOID = {"meta", "img", "br", "wbr", "link", "input"}


class Page(HTMLParser):
    """Collects what a page would fetch or run, and checks that its tags are balanced."""

    def __init__(self, text):
        super().__init__()
        self.open, self.fetched, self.handlers, self.tags, self.said = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in {"src", "href", "srcset", "poster", "data"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag == "div" and dict(attrs).get("class") == "said":
            self.said.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of a report whose every text is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    lines = [
        make.answer("script", SCRIPT + ATTRIBUTE, question=MARKDOWN),
        make.answer("bidi", BIDI, gold=SURROGATE),
        make.answer("عربي", "لا يوجد كسر (CT).", gold="The liver.", language="ar", question="هل يوجد كسر؟"),
    ]
    make.write_run(folder, "vqa_rad", lines, model=f"outputs/{SCRIPT}")
    note = f"note {SCRIPT} & more"
    kinds = make.fraction("train", "exact", 0.5, {"task": "<b>|x_y"})
    make.write_scores(folder, [make.fraction("vqa_rad", "multimedeval.recall", 0.5, note=note), kinds])
    eval_builders.write_predictions(folder, "train", [eval_builders.prediction(SCRIPT, "x", SCRIPT, task="<b>|x_y")])
    paths = write_report(folder, [], folder / "report.md", against="published")
    return [path.read_text(encoding="utf-8") for path in paths]


def test_html_is_balanced_and_fetches_nothing(pages):
    page = Page(pages[1])
    assert page.fetched and all(value.startswith("data:image/") for value in page.fetched)
    assert "script" not in page.tags and "link" not in page.tags and not page.handlers
    assert "@import" not in pages[1] and "url(" not in pages[1]
    assert "default-src 'none'" in pages[1] and 'name="viewport"' in pages[1]


def test_hostile_texts_are_texts(pages):
    assert "<script" not in pages[1] and "&lt;script&gt;alert(1)&lt;/script&gt;" in pages[1]
    assert "<script" not in pages[0] and "\n# heading" not in pages[0]
    assert "note &lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in pages[1]
    assert r"&lt;b&gt;\|x\_y" in pages[0] and "&lt;b&gt;|x_" in pages[1]
    for page in pages[:2]:
        assert "\u202e" not in page and "[U+202E]dcba[U+202C]" in page
        assert "broken \N{REPLACEMENT CHARACTER} half" in page


def test_json_is_json_and_keeps_what_was_said(pages):
    assert json.loads(pages[2])["results"][0]["runs"]["vqa_rad"]["model"] == f"outputs/{SCRIPT}"


def test_each_text_has_its_own_direction(pages):
    said = Page(pages[1]).said
    arabic = [attributes for attributes in said if attributes["dir"] == "rtl"]
    assert len(arabic) == 2 and all(attributes["lang"] == "ar" for attributes in arabic)
    # The English reference answer to the Arabic question is left to right and not labelled as Arabic.
    assert {"class": "said", "dir": "ltr"} in said


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [("(CT) صورة", "ar", "ltr"), ("صورة (CT)", "en", "rtl"), ("12.5", "ar", "rtl"), ("?!", "en", "ltr")],
)
def test_direction(text, language, expected):
    assert direction(text, language) == expected


def test_printable_keeps_what_arabic_and_emoji_need():
    kept = "می‌خواهم \u200f\u061c👨‍👩‍👧 \n\tline"
    assert printable(kept) == kept
    assert printable("\x1b[31m\x00") == "\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"


def test_inline_escapes_markdown():
    assert inline("`a` *b* [c](d) | <e>\nf") == "\\`a\\` \\*b\\* \\[c\\](d) \\| &lt;e&gt; f"


def test_commands_between_backticks_are_code_and_stay_escaped():
    assert _coded("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert _coded("one ` alone") == "one ` alone"

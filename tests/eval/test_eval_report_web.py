"""The HTML page: whole without the network, harmless whatever a model said, right in both directions of writing."""

import json
import re
from html.parser import HTMLParser

import pytest

from eval.errors import EvalError
from eval.predictions import read_all
from eval.report.blocks import direction, printable
from eval.report.markdown import inline
from eval.report.page import _coded
from eval.report.provenance import NOT_GIVEN, is_same
from eval.report.report import write_report
from eval.report.samples import pick_of_benchmark
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
    # The English gold answer of the Arabic question runs from left to right and is not called Arabic.
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


def test_pictures_out_of_the_store_are_shown(data, tmp_path):
    lines = [eval_builders.prediction("x#0", "a", "a", image_hashes=[eval_builders.key("red"), "no such key"])]
    path = eval_builders.write_predictions(tmp_path, "train", lines)
    path.write_text(path.read_text(encoding="utf-8").replace("data/hand", data.as_posix()), encoding="utf-8")
    make.write_scores(tmp_path, [])
    page = write_report(tmp_path, [], tmp_path / "report.md")[1].read_text(encoding="utf-8")
    assert page.count('src="data:image/jpeg;base64,') == 1 and "images: 2, shown: 1" in page


def test_texts_that_may_not_be_given_on_are_left_out(tmp_path):
    make.write_run(tmp_path, "bimed_mbench_ar", [make.answer("secret", "somebody's words")])
    make.write_scores(tmp_path, [])
    for page in write_report(tmp_path, [], tmp_path / "report.md"):
        assert "somebody" not in page.read_text(encoding="utf-8")
    assert "not redistributable: bimed\\_mbench\\_ar" in (tmp_path / "report.md").read_text()


def test_overlap_of_training_data(tmp_path):
    left = [{"benchmark": "vqa_rad_test", "reason": "missing_image", "rows": 7}]
    overlaps = [
        {"benchmark": "slake_test", "source": "llava_med", "kind": "image", "rows": 3, "examples": ["r1", "r2", "r3"]},
        {"benchmark": "mmlu", "source": "medqa", "kind": "question", "rows": 2, "examples": ["q1"]}
        | {"action": "drop", "why": "word for word"},
    ]
    manifest = {"name": "bimed-v", "shards": {}, "benchmarks": ["slake_test", "mmlu"], "ledger": {"benchmark": 2}}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.json").write_text(json.dumps({**manifest, "overlaps": overlaps, "uncompared": left}))
    for name in ("slake", "pubmedqa"):
        make.write_run(tmp_path, name)
    make.write_scores(tmp_path, [])
    page = write_report(tmp_path, [], tmp_path / "report.md", data=tmp_path / "data")[0].read_text(encoding="utf-8")
    assert "| slake\\_test | slake | llava\\_med | an image | 3 | kept: another question | r1, r2, r3 |" in page
    assert "| mmlu | no | medqa | a question | 2 | dropped: word for word | q1 |" in page
    assert "not compared with pubmedqa" in page
    assert inline("that could not be compared: 7 of vqa_rad_test (missing_image)") in page
    page = write_report(tmp_path, [], tmp_path / "report.md")[0].read_text(encoding="utf-8")
    assert inline(NOT_GIVEN) in page
    with pytest.raises(EvalError, match=re.escape("manifest.json: there is no manifest")):
        write_report(tmp_path, [], tmp_path / "report.md", data=tmp_path / "nothing")


def test_names_of_benchmarks_meet():
    assert is_same("slake", "slake_test") and is_same("mmlu_anatomy", "mmlu") and is_same("uphill", "uphill")
    assert not is_same("medqa", "medmcqa_validation") and not is_same("mmlu_anatomy", "mmlu_college_biology")


def test_samples_of_a_benchmark_are_of_each_language(tmp_path):
    lines = [make.answer(f"{language}{n}", "no", language=language) for language in ("en", "ar") for n in range(9)]
    make.write_run(tmp_path, "slake", lines)
    (run,) = read_all(tmp_path)
    assert [line["item"] for _, line in pick_of_benchmark(run)] == ["ar0", "ar4", "en0", "en4"]


def test_commands_between_backticks_are_code_and_stay_escaped():
    assert _coded("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert _coded("one ` alone") == "one ` alone"

"""The chat's page in Debian's chromium: both directions of writing, text that stays text, files that do not stay."""

import base64
import json
import signal
import zipfile
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from data_prep.sources.turns import dialogue
from eval.chat.attachment import View, attach
from tests.eval.chat.streaming_server import StreamingServer
from tests.helpers import eval_builders as make
from tests.helpers.page_server import PageServer, opened_browser

pytestmark = pytest.mark.browser
FIELD = "#question textarea"
HOSTILE = (
    '<b>bold</b><img src=x onerror="window.hacked=1"><script>window.hacked=1</script> &lt;i&gt; **b** $x^2$ \\(y\\) '
    "[link](javascript:alert(1)) {{ 7 }} ${window.hacked=1} ![](http://192.0.2.1/a)"
)
LONG = {
    "en": "This answer is a line that is much longer than the one which follows it, so that the box is wide.\nShort.",
    "ar": "هذه الإجابة سطر طويل جدا، أطول بكثير من السطر الذي يليه، حتى يكون الصندوق عريضا بما يكفي.\nقصير.",
}


@pytest.fixture
def browser():
    with opened_browser() as open_page:
        yield open_page


def page_of(server, *options, **environment):
    return PageServer("eval", "chat", "--base-url", server.url, "--web", *options, **environment)


def ask(page, text, files=()):
    if files:
        page.locator("#question input[type=file]").set_input_files([str(file) for file in files])
        page.wait_for_function(f"document.querySelectorAll('#question .thumbnail-item').length === {len(files)}")
    page.locator(FIELD).fill(text)
    page.locator(FIELD).press("Enter")


def until(page, is_true):
    """Let the page go on until something is true, for a minute at most."""
    for _ in range(600):
        if is_true():
            return
        page.wait_for_timeout(100)
    pytest.fail("it did not become true")


def bubbles(page, who="bot"):
    return page.locator(f"[data-testid={who}] .message-content")


def answered(page, number=1, text=None):
    """Wait for so many answers, and return the last one's text."""
    page.wait_for_function(
        "([number, text]) => { const all = document.querySelectorAll('[data-testid=bot] .message-content');"
        " return all.length === number && (!text || all[number - 1].innerText.includes(text)); }",
        arg=[number, text],
    )
    return bubbles(page).last.inner_text()


LAST_LINE = """element => {
  const range = document.createRange();
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let node; while (walker.nextNode()) if (walker.currentNode.textContent.trim()) node = walker.currentNode;
  range.setStart(node, node.textContent.trimEnd().length - 3);
  range.setEnd(node, node.textContent.trimEnd().length);
  const line = range.getBoundingClientRect(), box = element.getBoundingClientRect();
  return [line.left - box.left, box.right - line.right];
}"""
"""How far the end of the last line is from the left and the right side of its box."""


@pytest.mark.parametrize("width", [390, 1400])
def test_every_message_has_the_direction_of_its_own_language(browser, width, tmp_path):
    with StreamingServer(words=(LONG["en"],)) as server, page_of(server) as chat:
        page = browser(chat.url, width)
        for number, (language, question) in enumerate([("en", "What is this?"), ("ar", "ما هذا؟ CT أم MRI")], start=1):
            server.words = (LONG[language],)
            ask(page, question)
            answered(page, number, LONG[language][-6:])
            left, right = bubbles(page).last.evaluate(LAST_LINE)
            assert (left < right) == (language == "en"), (left, right)
            assert page.evaluate("document.scrollingElement.scrollWidth") <= width
            warning = page.locator("#warning").bounding_box()
            assert warning and 0 <= warning["y"] < 120
        page.evaluate("window.scrollTo(0, document.scrollingElement.scrollHeight)")
        assert page.locator("#warning").bounding_box()["y"] >= 0
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        page.get_by_role("button", name="Dark / light").click()
        assert "dark" in page.evaluate("document.body.className")
        text, back = (
            page.evaluate(f"getComputedStyle(document.querySelector('#warning')).{name}")
            for name in ("color", "backgroundColor")
        )
        assert sum(rgb(text)) > 500 and sum(rgb(back)) < 300


def rgb(colour):
    return [int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]


def test_html_in_questions_and_answers_is_shown_as_text(browser):
    with StreamingServer(words=(HOSTILE,)) as server, page_of(server) as chat:
        page = browser(chat.url)
        ask(page, HOSTILE)
        shown = answered(page, 1, "192.0.2.1")
        assert shown.replace("\u2060", "") == HOSTILE == bubbles(page, "user").inner_text().replace("\u2060", "")
        assert page.evaluate("typeof window.hacked") == "undefined" and page.locator("#lanes img").count() == 0
        assert server.requests[0]["messages"] == [{"role": "user", "content": HOSTILE}]


def test_an_image_and_a_chosen_frame_are_sent_bare_and_nothing_stays_on_disk(browser, tmp_path):
    exif = make.Image.Exif()
    exif[0x010E] = "Patient: A. Somebody"
    photo, temporary = tmp_path / "photo.jpg", tmp_path / "tmp"
    photo.write_bytes(make.noise((40, 30), 3, "JPEG", exif=exif))
    temporary.mkdir()
    cine = Path(get_testdata_file("examples_ybr_color.dcm", download=False))
    with StreamingServer() as server, page_of(server, TMPDIR=str(temporary)) as chat:
        page = browser(chat.url)
        page.locator("#question input[type=file]").set_input_files([str(photo), str(cine)])
        page.wait_for_selector("#dicom img")
        page.locator("#dicom input[type=number]").first.fill("4")
        page.locator("#dicom input[type=number]").first.press("Enter")
        page.get_by_text("frame 4 of 0 to 29").wait_for()
        ask(page, "What are these?")
        answered(page, 1, "A lung.")
        page.wait_for_function(
            "[...document.querySelectorAll('#lanes img')].filter(i => i.naturalWidth > 0).length === 2"
        )
        parts = server.requests[0]["messages"][0]["content"]
        sent = [base64.b64decode(part["image_url"]["url"].partition(",")[2]) for part in parts[:2]]
        assert sent == [attach(photo).content, attach(cine, View(4)).content]
        left = [file.read_bytes() for file in temporary.rglob("*") if file.is_file()]
        assert left and not any(b"Somebody" in content or content[128:132] == b"DICM" for content in left)
        assert all(folder.stat().st_mode & 0o077 == 0 for folder in temporary.iterdir())
        tabs = list(temporary.rglob("tab-*"))
        page.reload()
        until(page, lambda: tabs and not any(tab.exists() for tab in tabs))
        chat.end(signal.SIGHUP)  # as when its terminal is closed
    assert not [file for file in temporary.rglob("*") if file.is_file()]


def test_a_chat_is_stopped_regenerated_edited_undone_and_saved(browser, tmp_path):
    with StreamingServer(end="hangs") as server, page_of(server) as chat:
        page = browser(chat.url)
        ask(page, "What?")
        page.wait_for_function("document.querySelector('[data-testid=bot]')?.innerText.includes('...')")
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("The answer was stopped.").wait_for()
        assert bubbles(page).inner_text().startswith("A lung.")
        server.end = "stop"
        page.get_by_role("button", name="Regenerate").click()
        page.wait_for_function("document.querySelector('[data-testid=bot] .message-content').innerText === 'A lung.'")
        page.get_by_label("Edit").first.click()
        page.locator("#lanes textarea").fill("Which <organ>?")
        page.get_by_label("Submit").first.click()
        until(page, lambda: len(server.requests) == 3)
        answered(page, 1, "A lung.")
        assert server.requests[-1]["messages"] == [{"role": "user", "content": "Which <organ>?"}]
        with page.expect_download() as download:
            page.get_by_role("button", name="Save").click()
        with zipfile.ZipFile(download.value.path()) as packed:
            messages, _ = dialogue(json.loads(packed.read("chat.json"))[0])
        assert [message["content"][0]["text"] for message in messages] == ["Which <organ>?", "A lung."]
        page.get_by_role("button", name="Undo").click()
        page.wait_for_function("document.querySelectorAll('[data-testid=user]').length === 0")


def test_a_question_is_shown_at_once_and_a_page_that_is_reloaded_in_the_middle_begins_anew(browser):
    with StreamingServer(end="reads") as server, page_of(server) as chat:
        page = browser(chat.url)
        ask(page, "What?")
        answered(page, 1, "…")
        assert bubbles(page, "user").inner_text() == "What?" and page.locator(FIELD).input_value() == ""
        until(page, lambda: server.requests)
        page.reload()
        assert server.closed.wait(30)
        server.end = "stop"
        page.wait_for_selector(FIELD)
        assert bubbles(page).count() == 0
        ask(page, "And now?")
        assert answered(page, 1, "A lung.") == "A lung."
        assert len(server.requests[-1]["messages"]) == 1


def test_the_same_file_in_two_tabs_is_sent_from_both(browser, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(make.png("red"))
    with StreamingServer() as server, page_of(server) as chat:
        pages = [browser(chat.url) for _ in range(2)]
        for page in pages:
            page.locator("#question input[type=file]").set_input_files(str(photo))
            page.wait_for_selector("#question .thumbnail-item")
            page.wait_for_timeout(500)  # the page is told of it
        for page in pages:
            page.locator(FIELD).press("Enter")
            answered(page, 1, "A lung.")
            assert page.locator("#lanes button[aria-label=Download]:visible").count() == 1
            assert page.locator("button[aria-label=Share]:visible").count() == 0
        assert len({json.dumps(request["messages"]) for request in server.requests}) == 1


def test_a_server_that_dies_leaves_what_came_and_a_message(browser):
    proxy = {"http_proxy": "http://127.0.0.1:9"}  # this machine needs none
    with StreamingServer(end="dies") as server, page_of(server, **proxy) as chat:
        page = browser(chat.url)
        ask(page, "What?")
        page.get_by_text("The answer is cut").wait_for()
        assert bubbles(page).inner_text() == "A lung."


@pytest.mark.parametrize("width", [390, 1400])
def test_two_models_answer_side_by_side_and_examples_are_in_both_languages(browser, width):
    with StreamingServer() as server, page_of(server, "--model", "one", "two") as chat:
        page = browser(chat.url, width)
        page.get_by_text("What are the symptoms of pneumonia?").first.wait_for()
        page.get_by_text("ما هي أعراض الالتهاب الرئوي؟").first.click()
        page.wait_for_function(f"document.querySelector('{FIELD}').value.includes('أعراض')")
        page.locator(FIELD).press("Enter")
        answered(page, 2, "A lung.")
        assert [request["model"] for request in server.requests] == ["one", "two"]
        first, second = (bubbles(page).nth(number).bounding_box() for number in (0, 1))
        assert (second["x"] > first["x"] + 200) == (width == 1400)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_other_tabs_have_other_chats_and_a_password_is_asked_for(browser):
    with StreamingServer() as server, page_of(server, BIMEDIX2_CHAT_PASSWORD="كلمة سر") as chat:
        pages = [browser(chat.url) for _ in range(2)]
        for page in pages:
            page.locator("input[type=password]").wait_for()
            assert page.locator("#question").count() == 0
            page.locator("input").first.fill("chat")
            page.locator("input[type=password]").fill("كلمة سر")
            page.locator("button").last.click()
            page.wait_for_selector(FIELD)
        ask(pages[0], "What?")
        answered(pages[0], 1)
        assert bubbles(pages[1]).count() == 0

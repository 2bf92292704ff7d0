"""The page in Debian's chromium: both widths and languages, nothing lost, nothing executed, no request leaves."""

import pytest

from data_prep.curate.review.curated import texts_of
from tests.helpers.page_server import ReviewServer, opened_browser
from tests.helpers.reviewed import HOSTILE, curated_set, opened, said

pytestmark = pytest.mark.browser
REVIEW = "document.querySelector('.review')"


@pytest.fixture
def browser():
    with opened_browser() as open_page:
        yield open_page


def row_of(page):
    """The row on the page, once it is there."""
    page.wait_for_selector(".review")
    return page.get_attribute(".review", "data-row")


def press(page, key):
    """Press a key, wait for the next page, and return the row that was on it."""
    row = row_of(page)
    page.keyboard.press(key)
    page.wait_for_function(f"{REVIEW}.dataset.row !== '{row}'")
    return row


def box(page, selector):
    return page.locator(selector).first.bounding_box()


def kept(folder, reviewer="R1"):
    """The reviewer's verdicts by row."""
    return {one.row: one for one in opened(folder)[1].verdicts(reviewer)}


DRAFTS = {"ar": ("rtl", "عقيدة في الرئة."), "en": ("ltr", "A nodule.")}
"""The direction of a language, and a correction in it."""


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("language", DRAFTS)
def test_a_reviewer_corrects_decides_goes_back_and_reloads(tmp_path, browser, width, language):
    direction, text = DRAFTS[language]
    folder = curated_set(tmp_path, passed=3, waiting=1, english=3 if language == "en" else 0)
    with ReviewServer(folder, "R1", "--waiting", "0" if language == "en" else "1") as server:
        page = browser(server.url, width)
        first = row_of(page)
        field = page.locator(f'textarea[lang="{language}"]').last
        assert field.evaluate("field => getComputedStyle(field).direction") == direction
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        english, arabic, image = (box(page, one) for one in ('.side[lang="en"]', '.side[lang="ar"]', ".images img"))
        if width == 390:
            assert image["y"] < english["y"] < arabic["y"] and english["x"] == arabic["x"]
        else:
            assert image["x"] < english["x"] < arabic["x"] and english["y"] == arabic["y"]
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        field.fill(text)
        page.locator("[data-reason]").fill("3 بسبب 2")
        page.reload()
        assert row_of(page) == first
        assert page.locator(f'textarea[lang="{language}"]').last.input_value() == text
        page.keyboard.press("Escape")
        assert press(page, "2") == first
        verdict = kept(folder)[first]
        assert (verdict.verdict, verdict.texts[1], verdict.reason) == ("minor", text, "3 بسبب 2")
        assert "1 of" in page.inner_text(".progress")
        second = press(page, "b")
        assert row_of(page) == first and page.locator("textarea").last.input_value() == text
        assert press(page, "3") == first and row_of(page) == second
        assert kept(folder)[first].verdict == "major" and kept(folder)[first].texts[1] == text
        page.reload()
        assert row_of(page) == second


def test_digits_typed_into_a_field_are_text_and_no_verdict(tmp_path, browser):
    folder = curated_set(tmp_path)
    with ReviewServer(folder, "R1") as server:
        page = browser(server.url)
        first = row_of(page)
        page.locator("textarea").last.focus()
        page.keyboard.type("123sb")
        assert page.locator("textarea").last.input_value().startswith("123sb")
        page.keyboard.press("Escape")
        assert press(page, "s") == first and kept(folder)[first].verdict == "skip"


def test_what_is_typed_on_one_row_is_not_there_on_the_next(tmp_path, browser):
    folder = curated_set(tmp_path)
    with ReviewServer(folder, "R1", "--waiting", "0") as server:
        page, rows = browser(server.url, height=500), []
        for key in ("2", "s", "b"):
            draft = texts_of(opened(folder)[0].row(row_of(page))["messages"])
            fields = [page.locator("textarea").first, page.locator("textarea").last, page.locator("[data-reason]")]
            assert [field.input_value() for field in fields] == [*draft, ""]
            assert page.evaluate("document.scrollingElement.scrollTop") == 0
            for field in fields:
                field.fill("غير هذا")
            page.keyboard.press("Escape")
            page.locator(".images img").first.click()
            page.evaluate("document.scrollingElement.scrollTop = 300")
            rows.append(press(page, key))
        first, second = rows[:2]
        page.goto(server.url)
        while row_of(page) != second:
            press(page, "1")
        assert page.locator("textarea").last.input_value() == "غير هذا"  # of the row that was put off
    given = kept(folder)
    assert given[first].texts == ("غير هذا", "غير هذا") and given[second].verdict == "skip"


def test_nothing_is_lost_when_the_server_dies(tmp_path, browser):
    folder = curated_set(tmp_path)
    with ReviewServer(folder, "R1", "--sample", "4") as server:
        page = browser(server.url)
        done = [press(page, "1"), press(page, "2")]
        row = row_of(page)
        page.locator("textarea").last.fill("نص لم يحفظ بعد")
        server.kill()
        page.keyboard.press("Escape")
        page.keyboard.press("3")
        page.wait_for_function(f"{REVIEW}.querySelector('.message').textContent.includes('Not kept yet')")
        assert page.locator("textarea").last.input_value() == "نص لم يحفظ بعد"
        server.start()
        page.goto(server.url)
        assert row_of(page) == row and "2 of 6" in page.inner_text(".progress")
        assert page.locator("textarea").last.input_value() == "نص لم يحفظ بعد"
        assert press(page, "3") == row
        assert list(kept(folder)) == [*done, row] and kept(folder)[row].texts[1] == "نص لم يحفظ بعد"


def test_texts_of_the_data_are_shown_and_never_executed(tmp_path, browser):
    folder = curated_set(tmp_path, passed=1, waiting=1, hostile=True)
    with ReviewServer(folder, HOSTILE[:100]) as server:
        page = browser(server.url)
        for _ in range(2):
            row = row_of(page)
            shown = page.locator("textarea").last.input_value()
            assert shown == texts_of(opened(folder)[0].row(row)["messages"])[1] and HOSTILE in shown
            page.locator("[data-reason]").fill(HOSTILE)
            page.locator("summary").click()
            assert page.evaluate("typeof window.hacked") == "undefined"
            assert page.locator("img:not([src^='data:'])").count() == 0
            page.keyboard.press("Escape")
            page.locator("button.minor").click()
            page.wait_for_function(f"{REVIEW}.dataset.row !== '{row}'")
        page.locator("[data-back]").click()
        page.wait_for_selector("textarea")
        assert page.locator("[data-reason]").input_value() == HOSTILE
        assert page.evaluate("typeof window.hacked") == "undefined"


def test_two_reviewers_at_once_do_not_see_each_others_verdicts_and_an_adjudicator_decides(tmp_path, browser):
    folder = curated_set(tmp_path, passed=4, waiting=0)
    every = ("--sample", "4", "--share", "1")
    with ReviewServer(folder, "R1", *every) as one, ReviewServer(folder, "R2", *every) as two:
        first, second = browser(one.url), browser(two.url)
        for _ in range(3):
            assert press(first, "1") == press(second, "1")
        assert row_of(first) == row_of(second)
        press(first, "1")
        assert "verdict so far" not in second.inner_text(".review")
        second.locator("textarea").last.fill("عقيدة.")
        second.keyboard.press("Escape")
        last = press(second, "2")
    assert {len(kept(folder, name)) for name in ("R1", "R2")} == {4}
    with ReviewServer(folder, "J", "--adjudicate") as judge:
        page = browser(judge.url)
        assert row_of(page) == last and "0 of 1" in page.inner_text(".progress")
        assert "R2" not in page.inner_text(".review")
        page.locator("[data-use]").click()
        press(page, "2")
    assert kept(folder, "J")[last].adjudicated and kept(folder, "J")[last].texts[1] == "عقيدة."


def test_on_a_full_disk_the_page_says_that_nothing_was_kept_and_the_text_stays(tmp_path, browser):
    folder = curated_set(tmp_path)
    _, store = opened(folder)
    store.put(said("p5", "none", reviewer="R0"))
    with ReviewServer(folder, "R1", blocks=400) as server:
        page = browser(server.url)
        row = row_of(page)
        page.locator("textarea").last.fill("ن" * 400_000)
        page.keyboard.press("Escape")
        page.keyboard.press("2")
        page.wait_for_function(f"{REVIEW}.querySelector('.message').textContent.includes('Not kept')")
        assert row_of(page) == row and "disk full" in page.inner_text(".message")
        assert len(page.locator("textarea").last.input_value()) == 400_000
    assert kept(folder) == {}


def test_with_a_password_the_page_opens_only_for_the_reviewer(tmp_path, browser):
    folder = curated_set(tmp_path)
    with ReviewServer(folder, "د. ريم", BIMEDIX2_REVIEW_PASSWORD="كلمة سر") as server:
        page = browser(server.url)
        for name, password in (("د. ريم", "wrong"), ("R2", "كلمة سر"), ("د. ريم", "كلمة سر")):
            page.locator("input").first.wait_for()
            assert page.locator(".review").count() == 0
            page.locator("input").first.fill(name)
            page.locator("input[type=password]").fill(password)
            page.locator("button").last.click()
            page.wait_for_timeout(500)
        assert row_of(page) in opened(folder)[0].by_id

"""The page as HTML. Every text of the data is escaped, and no part of the page is a template."""

import json
from statistics import median
from typing import Any

from markupsafe import Markup

from data_prep.curate.review.curated import CuratedSet, texts_of
from data_prep.curate.review.session import Session, Shown
from data_prep.curate.review.store import SKIP, Verdict
from data_prep.images.data_url import data_url
from data_prep.images.store import ImageStoreError, open_store
from data_prep.local_page import safe

_NAMES = {"en": "English", "ar": "Arabic"}
_FIELD = '<textarea rows="1" data-text="{}" dir="{}" lang="{}">{}</textarea>'
_BUTTONS = (
    ("none", "No error", "1", "as it should be"),
    ("minor", "Minor", "2", "wording, format, style"),
    ("major", "Major", "3", "wrong clinical term, misreading"),
)


def render(session: Session, shown: Shown) -> str:
    """The page for the row that is shown."""
    given = session.given()
    parts = [_head(session, given), _message(shown.message)]
    if shown.row is None:
        done = (
            f"All {len(session.rows)} rows have your verdict. Thank you." if session.rows else "No row is left to see."
        )
        parts.append(_markup('<p class="done">{}</p>', done))
    else:
        parts.append(_row(session, shown.row, given.get(shown.row)))
    parts.append(_actions(shown.row is not None))
    key = f"bimedix2-review {session.curated.dataset[:16]} {session.reviewer} {int(session.adjudicates)} "
    root = '<div class="review" data-key="{}" data-row="{}" data-saved="{}" data-open="{}">{}</div>'
    is_open = "" if shown.row is None else "yes"
    return str(_markup(root, key, shown.row or "", shown.saved, is_open, Markup("").join(parts)))


def _markup(pattern: str, *values: Any) -> Markup:
    """The pattern with each {} filled by a value, escaped unless it is markup."""
    return Markup(pattern.format(*(one if isinstance(one, Markup) else safe(one) for one in values)))


def _head(session: Session, given: dict[str, Verdict]) -> Markup:
    done = [one for one in given.values() if one.verdict != SKIP]
    skipped = len(given) - len(done)
    said = f"{len(done)} of {len(session.rows)}"
    said += f", {skipped} put off" if skipped else ""
    said += f", {median(one.seconds for one in done):.0f} s a row" if done else ""
    who = f"{session.reviewer}, adjudicator" if session.adjudicates else session.reviewer
    return _markup(
        '<header><bdi>{}</bdi><progress value="{}" max="{}"></progress><span class="progress">{}</span></header>',
        *(who, len(done), max(len(session.rows), 1), said),
    )


def _message(text: str) -> Markup:
    return _markup('<p class="message" role="alert">{}</p>', text)


def _row(session: Session, row_id: str, mine: Verdict | None) -> Markup:
    curated = session.curated
    row, line = curated.row(row_id), curated.line(row_id)
    original = _section(line["original_language"], "original", line["original"], None)
    draft = _section(row["language"], "draft, correct it here", row["messages"], mine.texts if mine else None)
    columns = [original, draft]
    if line["original_language"] == "ar" and row["language"] == "en":
        columns.reverse()
    parts = [
        _markup('<div class="columns">{}</div>', Markup("").join(columns)),
        _findings(line["findings"]),
        _context(line.get("context") or {}),
        *(_other(number, one) for number, one in enumerate(session.others(row_id), start=1)),
        _markup(
            '<label class="reason">Reason<input data-reason dir="auto" value="{}"></label>', mine.reason if mine else ""
        ),
        _markup('<p class="given">Your verdict so far: {}</p>', mine.verdict) if mine else Markup(""),
    ]
    about = f"{row['source']} · {row['modality']} · {row['task']} · {row_id}"
    work = _markup('<div class="work">{}</div>', Markup("").join(parts))
    block = '<p class="about"><bdi>{}</bdi></p><div class="row">{}{}</div>'
    return _markup(block, about, _images(curated, row["images"]), work)


def _section(language: str, what: str, messages: list[Any], corrected: tuple[str, ...] | None) -> Markup:
    """The turns of one side: to read, or for the draft to change."""
    editable = what != "original"
    texts = iter(corrected or texts_of(messages))
    direction = "rtl" if language == "ar" else "ltr"
    turns: list[Markup] = []
    number = 0
    for message in messages:
        for _ in texts_of([message]):
            text, label = next(texts), message["role"]
            if editable:
                field = _markup(_FIELD, number, direction, language, text)
                turns.append(_markup('<label class="turn"><span>{}</span>{}</label>', label, field))
            else:
                turns.append(
                    _markup('<div class="turn"><span>{}</span><p dir="{}">{}</p></div>', label, direction, text)
                )
            number += 1
    head = f"{_NAMES[language]}, {what}"
    section = '<section class="side" lang="{}"><h2>{}</h2>{}</section>'
    return _markup(section, language, head, Markup("").join(turns))


def _images(curated: CuratedSet, keys: list[str]) -> Markup:
    made = []
    for number, key in enumerate(keys, start=1):
        try:
            data = open_store(str(curated.folder / "images")).bytes(key)
        except ImageStoreError as error:
            made.append(_message(str(error)))
            continue
        address = Markup(data_url(data))
        made.append(_markup('<img alt="image {}" title="click to enlarge" src="{}">', number, address))
    return _markup('<div class="images">{}</div>', Markup("").join(made)) if made else Markup("")


def _findings(findings: list[dict[str, str]]) -> Markup:
    lines = [_markup("<li><b>{}</b> <bdi>{}</bdi></li>", one["check"], one["detail"]) for one in findings]
    if not lines:
        return _markup('<p class="findings">The checks found nothing.</p>')
    return _markup('<div class="findings"><h2>Found by checks</h2><ul>{}</ul></div>', Markup("").join(lines))


def _context(context: dict[str, Any]) -> Markup:
    texts = [str(context.get("caption") or ""), *map(str, context.get("mentions") or [])]
    lines = [_markup('<p dir="auto">{}</p>', text) for text in texts if text]
    if not lines:
        return Markup("")
    return _markup('<details class="context"><summary>Caption</summary>{}</details>', Markup("").join(lines))


def _other(number: int, verdict: Verdict) -> Markup:
    """Another reviewer's verdict, without the name, with a button that takes over the correction."""
    texts = [_markup('<p dir="auto">{}</p>', text) for text in verdict.texts or ()]
    use = '<button type="button" data-use="{}">use these texts</button>'
    button = _markup(use, json.dumps(verdict.texts, ensure_ascii=False)) if verdict.texts else Markup("")
    said = f"{verdict.verdict}. {verdict.reason}"
    block = '<div class="other"><h2>Reviewer {}</h2><p dir="auto">{}</p>{}{}</div>'
    return _markup(block, number, said, Markup("").join(texts), button)


def _actions(is_open: bool) -> Markup:
    button = '<button type="button" class="{}" data-verdict="{}"><b>{}</b> <kbd>{}</kbd><small>{}</small></button>'
    verdicts = [_markup(button, name, name, label, key, hint) for name, label, key, hint in _BUTTONS] if is_open else []
    skip = Markup('<button type="button" data-verdict="skip">Skip <kbd>s</kbd></button>') if is_open else Markup("")
    hint = "Keys act outside the fields; Esc leaves a field. Text that you type stays in this browser until you decide."
    return _markup(
        '<footer>{}{}<button type="button" data-back>Back <kbd>b</kbd></button><p class="hint">{}</p></footer>',
        *(Markup("").join(verdicts), skip, hint),
    )

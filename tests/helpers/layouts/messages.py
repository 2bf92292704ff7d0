"""Files of one's own in the three forms: LLaVA JSON, ShareGPT, Axolotl messages."""

from pathlib import Path

from tests.helpers.layouts.jpeg import save
from tests.helpers.layouts.llava import as_lines, as_list, row

IMAGES = ("a.png", "b.png", "صورة صدر.png", "case 1/two words.png")


def axolotl_rows():
    """Messages whose content is a text, or a list of parts that name their images or leave it to `images`."""
    return [
        {"messages": [_says("system", "Be brief."), _says("user", "Hi"), _says("assistant", "Hello")]},
        {"id": "own", "messages": _asks({"type": "image", "path": "a.png"}, "What?")},
        {"id": "url", "messages": _asks({"type": "image_url", "image_url": {"url": "b.png"}}, "What?")},
        {"id": "beside", "images": ["b.png", "a.png"], "messages": _asks({"type": "image"}, "and", {"type": "image"})},
        {"id": "both", "images": ["a.png"], "messages": _asks({"type": "image", "path": "a.png"}, "What?")},
        {"id": "mixed", "images": ["a.png"], "messages": _asks({"type": "image"}, {"type": "image", "path": "b.png"})},
        {"id": "null", "images": None, "messages": _asks({"type": "text", "text": "What?", "path": None})},
    ]


def make(root: Path) -> None:
    """One file of each form, and their images."""
    as_list(
        root / "llava.json",
        [
            row("one", "a.png", "<image>\nWhat is it?", "a scan"),
            row("two", "b.png", "<image>\nWhat is it?", "نعم", parent="messages-one"),
            row("three", ["a.png", IMAGES[2]], "<image> or <image>?", "The second."),
            row(0, "images/b.png", "What is it? <image>", "A scan", answer_type="OPEN "),
            row("four", IMAGES[3], "<image>\nIs it a scan?", "Yes", domain={"mri": True}, answer_type="CLOSED\t"),
            row("one", "a.png", "<image>\nAnd now?", "an id that stands twice"),
        ],
    )
    rows = [row(None, "absent", "Why?", "Because."), row("s", "absent", "لماذا؟", "لأن ذلك كذلك.")]
    as_lines(root / "sharegpt.json", rows, end="\r\n", start=b"\xef\xbb\xbf")
    as_lines(root / "axolotl.jsonl", axolotl_rows())
    for seed, name in enumerate(IMAGES):
        save(root / "images" / name, seed)


def _says(role, content):
    return {"role": role, "content": content}


def _asks(*parts):
    content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    return [_says("user", content), _says("assistant", [{"type": "text", "text": "An answer."}])]

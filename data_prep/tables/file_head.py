"""Check the first bytes of a file of rows: what it is if it is not what its name promises, and what to do."""

from pathlib import Path

from data_prep.tables.table import TableError

HEAD = 1 << 16
BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def head(path: Path) -> bytes:
    """The first 64 KiB of a file. Raises TableError if it is missing, empty, compressed, a pointer or a web page."""
    if not path.is_file():
        raise TableError(f"{path}: there is no such file")
    with path.open("rb") as file:
        start = file.read(HEAD)
    if wrong := _other_format(start, path):
        raise TableError(f"{path}: {wrong}")
    return start


def text_head(path: Path) -> bytes:
    """Like `head`, for UTF-8 text, without its byte order mark. Also raises TableError for other encodings."""
    start = head(path)
    if start.startswith(_UTF_16) and b"\0" in start[:64]:
        raise TableError(f"{path}: UTF-16; make it UTF-8 with: iconv -f UTF-16 -t UTF-8 {path} > NEW")
    if b"\0" in start[:8]:
        raise TableError(f"{path}: not a text file in UTF-8; export it again")
    return start.removeprefix(BOM)


def _other_format(start: bytes, path: Path) -> str:
    if not start:
        return "an empty file; download it again"
    if start.startswith(b"\x1f\x8b"):
        return f"compressed; unpack it with: gunzip -k {path}"
    if start.startswith(b"PK\x03\x04"):
        is_workbook = b"[Content_Types].xml" in start or b"xl/" in start
        return "an Excel workbook; save it as CSV in UTF-8" if is_workbook else f"a zip file; unzip {path}"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer instead of the file; fetch the file with: git lfs pull"
    if start.removeprefix(BOM).lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page instead of the file; download it again"
    return ""

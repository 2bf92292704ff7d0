"""The reports of Open-i, the Indiana University chest X-ray collection (Demner-Fushman et al., 2016), an XML file each.

They are read where Open-i's own archive (NLMCXR_reports.tgz) or its folder ecgen-radiology stands, or out of
torchxrayvision, whose wheel holds that archive. The package itself is never imported. Removed names stand as XXXX.
"""

from __future__ import annotations

import importlib.util
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from eval.errors import EvalError

ARCHIVE = "NLMCXR_reports.tgz"
FOLDER = "ecgen-radiology"
WHEEL = "torchxrayvision==1.5.7"


class Report(NamedTuple):
    """One report. `number` is Open-i's, as in CXR12; `pictures` are the names of its image files without suffix."""

    number: int
    findings: str
    impression: str
    pictures: tuple[str, ...]


def find(*folders: Path) -> Path | None:
    """The archive or the folder of XML files in the first of these folders that has one, or in torchxrayvision."""
    installed = importlib.util.find_spec("torchxrayvision")
    places = installed.submodule_search_locations if installed else None
    for folder in (*folders, *(Path(place) for place in places or ())):
        for name in (ARCHIVE, f"data/{ARCHIVE}", FOLDER):
            if (folder / name).exists():
                return folder / name
    return None


def reports(path: Path) -> list[Report]:
    """All reports, by number.

    Raises:
        EvalError: the archive is damaged, a file is no report, or there is none.
    """
    found: list[Report] = []
    for name, content in _files(path):
        try:
            found.append(_report(ElementTree.fromstring(content)))
        except (ElementTree.ParseError, ValueError) as error:
            raise EvalError(f"{path}: {name} is no report of Open-i ({error}). Get {ARCHIVE} again.") from error
    if not found:
        raise EvalError(f"{path}: there is no report in it. Get {ARCHIVE} again.")
    return sorted(found)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.glob("*.xml")):
            yield file.name, file.read_bytes()
        return
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".xml") else None
                if content:
                    yield member.name, content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise EvalError(f"{path}: a damaged archive ({error}). Get it again.") from error


def _report(root: ElementTree.Element) -> Report:
    identity = root.find("uId")
    number = (identity.get("id") if identity is not None else None) or ""
    sections: dict[str, str] = {}
    for section in root.iter("AbstractText"):
        sections.setdefault(section.get("Label", ""), " ".join("".join(section.itertext()).split()))
    pictures = tuple(picture.get("id", "") for picture in root.iter("parentImage"))
    return Report(
        number=int(number.removeprefix("CXR")),
        findings=sections.get("FINDINGS", ""),
        impression=sections.get("IMPRESSION", ""),
        pictures=pictures,
    )

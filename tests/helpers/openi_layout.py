"""Open-i's reports and pictures, as its archives unpack."""

import tarfile

from tests.helpers.layouts.jpeg import save
from tests.helpers.layouts.text_files import write_text

REPORTS = {
    2: ("The heart is normal.\n  Lungs are clear.", "Normal chest.", ("CXR2_IM-0652-1001", "CXR2_IM-0652-2001")),
    10: ("", "No acute disease.", ("CXR10_IM-0002-1001",)),
    3: ("Borderline heart, XXXX.", "", ("CXR3_IM-1384-1001",)),
    11: ("No effusion.", "Clear.", ()),
}


def xml(number, findings, impression, pictures):
    """One report's file."""
    found = f'<AbstractText Label="FINDINGS">{findings}</AbstractText>' if findings else ""
    images = "".join(f'<parentImage id="{picture}"><figureId>F1</figureId></parentImage>' for picture in pictures)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<eCitation><meta type="rr"/>'
        f'<uId id="CXR{number}"/><licenseURL>http://creativecommons.org/licenses/by-nc-nd/4.0/</licenseURL>'
        f'<Abstract><AbstractText Label="COMPARISON">None.</AbstractText>{found}'
        f'<AbstractText Label="IMPRESSION">{impression}</AbstractText></Abstract>{images}</eCitation>\n'
    )


def make(root):
    """ecgen-radiology/ and NLMCXR_png/."""
    for number, report in REPORTS.items():
        write_text(root / f"ecgen-radiology/{number}.xml", xml(number, *report))
        for seed, picture in enumerate(report[2]):
            save(root / f"NLMCXR_png/{picture}.png", seed)


def make_wheel(package):
    """The archive inside torchxrayvision."""
    make(package)
    (package / "data").mkdir()
    with tarfile.open(package / "data/NLMCXR_reports.tgz", "w:gz") as archive:
        archive.add(package / "ecgen-radiology", "ecgen-radiology")
    for path in (package / "ecgen-radiology").iterdir():
        path.unlink()
    (package / "ecgen-radiology").rmdir()
    (package / "__init__.py").write_text("raise ImportError('never imported')\n")

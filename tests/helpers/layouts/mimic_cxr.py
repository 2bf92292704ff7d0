"""MIMIC-CXR-JPG with the reports of MIMIC-CXR copied in, as MultiMedEval wants it, or in their own tree."""

import gzip

from tests.helpers.layouts.jpeg import save
from tests.helpers.layouts.text_files import write_text

HEAD = "               FINAL REPORT\n EXAMINATION:  CHEST (PA AND LAT)\n \n INDICATION:  ___F, cough\n \n"
REPORTS = {
    ("10000032", "50414267"): HEAD + " FINDINGS: \n \n There is no focal\n consolidation.  COPD: ___.\n \n"
    " IMPRESSION: \n \n No acute process.\n",
    ("10000032", "53189527"): HEAD + " IMPRESSION:  Normal chest.\n",
    ("10000764", "57375967"): "CHEST, TWO VIEWS:\n \n FINIDNGS:   The lungs\n are clear.\n",
    ("10000898", "50771383"): " PORTABLE CHEST:  The tube ends above the carina.\n \n CONCLUSION:  As above.\n",
    ("10000935", "50578979"): None,
}
IMAGES = {
    "50414267": ("02aa804e-bde0afdd-112c0b34-7bc16630-4e384014", "174413ec-4ec4c1f7-34ea26b7-c5f994f8-79ef1962"),
    "53189527": ("2a2277a9-b0ded155-c0de8eb9-c124d10e-82c5caab",),
    "57375967": ("096052b7-d256dc40-453a102b-fa7d01c6-1b22c6b4",),
    "50771383": ("8d8ec26c-8c1e0b4c-7e5b3a60-3b1a9e2a-5c0e2a0f",),
    "50578979": ("d0b71acc-b5a62046-bbb5f6b8-7b173b85-65cdf738",),
}
SPLITS = {"50771383": "test", "53189527": "validate"}


def make(root):
    """As PhysioNet gives it, the reports unpacked over it."""
    write_images(root)
    write_reports(root)


def make_multimedeval(root):
    """MultiMedEval's folder, the table unpacked."""
    tree = root / "mimic-cxr-jpg/2.0.0"
    make(tree)
    table = tree / "mimic-cxr-2.0.0-split.csv.gz"
    write_text(tree / "mimic-cxr-2.0.0-split.csv", gzip.decompress(table.read_bytes()).decode())
    table.unlink()


def make_apart(root):
    """What wget leaves of the two releases, each in its own tree."""
    write_images(root / "physionet.org/files/mimic-cxr-jpg/2.1.0")
    write_reports(root / "physionet.org/files/mimic-cxr/2.1.0")


def write_images(tree):
    """The images and the table of their splits."""
    lines = ["dicom_id,study_id,subject_id,split\n"]
    for seed, (subject, study) in enumerate(REPORTS):
        for dicom_id in IMAGES[study]:
            lines.append(f"{dicom_id},{study},{subject},{SPLITS.get(study, 'train')}\n")
            save(tree / f"files/p10/p{subject}/s{study}/{dicom_id}.jpg", seed)
    lines.append(lines.pop(2))  # a study's second image need not follow its first
    (tree / "mimic-cxr-2.0.0-split.csv.gz").write_bytes(gzip.compress("".join(lines).encode()))


def write_reports(tree):
    """The reports."""
    for (subject, study), text in REPORTS.items():
        if text is not None:
            write_text(tree / f"files/p10/p{subject}/s{study}.txt", text)

"""MIMIC-CXR and MIMIC-III as PhysioNet's downloads leave them."""

import gzip
import zipfile
from pathlib import Path

from tests.helpers.layouts import mimic_cxr as layout

_TREE = "physionet.org/files/mimic-cxr-jpg"


def mimic_cxr(
    root: Path, images: str = f"{_TREE}/2.1.0", reports: str = "mimic-cxr-reports", packed: bool = True
) -> None:
    """The JPG release in the folder `images`, and the reports in the folder or in the archive `reports`."""
    tree = root / images
    layout.write_images(tree)
    release = "2.1.0" if "2.1.0" in images else "2.0.0"
    for name in ("LICENSE.txt", "README", "SHA256SUMS.txt", "IMAGE_FILENAMES", "index.html", "files/index.html"):
        (tree / name).write_text(name)
    for name in ("chexpert", "metadata", "negbio"):
        (tree / f"mimic-cxr-2.0.0-{name}.csv.gz").write_bytes(gzip.compress(b"dicom_id,study_id,subject_id\n"))
    if release == "2.1.0":
        (tree / "mimic-cxr-2.1.0-test-set-labeled.csv").write_text("study_id\n")
    if not packed:
        for path in tree.glob("*.csv.gz"):
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    if reports.endswith(".zip"):
        folder = root / "unpacked"
        layout.write_reports(folder)
        (root / reports).parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(root / reports, "w") as archive:
            for path in sorted(folder.rglob("*.txt")):
                archive.write(path, f"mimic-cxr-reports/{path.relative_to(folder)}")
                path.unlink()
    else:
        layout.write_reports(root / reports)

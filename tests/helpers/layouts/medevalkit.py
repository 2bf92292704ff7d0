"""MedEvalKit's folders of report data, and CheXpert Plus's own table; reports are our own."""

import csv
import json

from tests.helpers import eval_builders as make

STUDIES = [
    {
        "id": "open_i_1020",
        "image": ["CXR1020_IM-0017-1001.png", "CXR1020_IM-0017-2001.png"],
        "findings": "Low volumes. Heart normal.",
        "impression": "No acute disease.",
    },
    {"id": "open_i_7", "image": ["CXR7_IM-1-1001.png"], "findings": " ", "impression": "Clear."},
    {"id": "open_i_8", "image": ["CXR8_IM-1-1001.png"], "findings": "", "impression": "  "},
    {"id": "open_i_9", "image": [], "findings": "Clear.", "impression": ""},
]
COLUMNS = (
    *("path_to_image", "path_to_dcm", "frontal_lateral", "deid_patient_id", "patient_report_date_order"),
    *("section_findings", "section_impression", "split"),
)


def make_clone(root, data="IU_XRAY", studies=STUDIES, images="images"):
    """MedEvalKit/datas/NAME/test.json and the images."""
    folder = root / "MedEvalKit/datas" / data
    folder.mkdir(parents=True)
    (folder / "test.json").write_text(json.dumps(studies))
    for study in studies:
        for name in [study["image"]] if isinstance(study["image"], str) else study["image"]:
            write_image(folder / images / name)


def write_image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(make.png("red"))


def make_chexpert_plus(root, columns=COLUMNS, pictures="PNG/PNG"):
    """The table, two views of one study of the split valid, one without a report, one of the split train."""
    folder = root / "CheXpert-Plus"
    folder.mkdir(parents=True)
    views = [
        ("valid/patient64541/study1/view1_frontal.jpg", "Clear\nlungs.", "Normal.", "valid"),
        ("valid/patient64541/study1/view2_lateral.jpg", "Clear\nlungs.", "Normal.", "valid"),
        ("valid/patient64542/study1/view1_frontal.jpg", "", "", "valid"),
        ("train/patient00001/study1/view1_frontal.jpg", "Effusion.", "Effusion.", "train"),
    ]
    with (folder / "df_chexpert_plus_240401.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for path, findings, impression, split in views:
            row = dict.fromkeys(COLUMNS, "x") | {"path_to_image": path, "split": split}
            writer.writerow(row | {"section_findings": findings, "section_impression": impression})
            suffix = ".png" if pictures.startswith("PNG") else ".jpg"
            write_image(folder / pictures / path.replace(".jpg", suffix))

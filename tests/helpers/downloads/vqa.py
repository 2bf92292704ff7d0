"""VQA-RAD of the Open Science Framework, SLAKE of the Hub, and PathVQA of its authors' archive."""

import json
import pickle
import zipfile
from pathlib import Path

from tests.helpers.downloads.texts import question
from tests.helpers.layouts.jpeg import jpeg, save

SLAKE_IMAGES = ("xmlab1", "xmlab102", "xmlab404", "xmlab500")


def vqa_rad(root: Path, folder: str = "osfstorage-archive") -> None:
    """osfstorage-archive.zip unpacked: the list in three formats, a document, and the images, one of them not used."""
    rows = [
        {
            "qid": number,
            "phrase_type": ("freeform", "para", "test_freeform", "test_para")[number % 4],
            "qid_linked_id": f"03f451ca-de62-4617-9679-e836026a76{number // 2:02d}",
            "image_case_url": f"https://medpix.nlm.nih.gov/case?id=48e1dd0e-{number // 3}",
            "image_name": f"synpic{20_000 + number // 3}.jpg",
            "image_organ": ("HEAD", "CHEST", "ABD")[number % 3],
            "evaluation": "not evaluated",
            "question": question("vqa_rad", number),
            "question_rephrase": "NULL",
            "question_relation": "NULL",
            "question_frame": "NULL",
            "question_type": "PRES",
            "answer": ("Yes", 2, "a mass in the left lobe")[number % 3],
            "answer_type": ("CLOSED", "OPEN ", "OPEN")[number % 3],
        }
        for number in range(8)
    ]
    root = root / folder
    root.mkdir(parents=True, exist_ok=True)
    (root / "VQA_RAD Dataset Public.json").write_text(json.dumps(rows), encoding="utf-8")
    for name in ("VQA_RAD Dataset Public.xlsx", "VQA_RAD Dataset Public.xml", "Readme.docx"):
        (root / name).write_bytes(b"PK")
    for seed, name in enumerate([*sorted({row["image_name"] for row in rows}), "synpic99999.jpg"]):
        save(root / "VQA_RAD Image Folder" / name, 1000 + seed)


def slake(root: Path, unpacked: int = 0, archive: bool = True, folder: str = "") -> None:
    """The Hub's repository; the folders of the first `unpacked` images beside imgs.zip, or without it."""
    root = root / folder
    root.mkdir(parents=True, exist_ok=True)
    for name in (".gitattributes", "README.md", "KG.zip", "mask.txt"):
        (root / name).write_text(name)
    for split, start in (("train", 0), ("validation", 100), ("test", 200)):
        rows = [_slake_row(start + number, number) for number in range(8)]
        (root / f"{split}.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    files = {
        f"imgs/{image}/{name}": jpeg(1100 + 10 * number + inner) if name.endswith("g") else b"{}"
        for number, image in enumerate(SLAKE_IMAGES)
        for inner, name in enumerate(("source.jpg", "mask.png", "detection.json", "question.json"))
    }
    if archive:
        with zipfile.ZipFile(root / "imgs.zip", "w") as packed:
            for name, data in files.items():
                packed.writestr(name, data)
    for name, data in files.items():
        if name.split("/")[1] in SLAKE_IMAGES[:unpacked]:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)


def _slake_row(qid: int, number: int) -> dict:
    image, chinese = SLAKE_IMAGES[number % 4], number >= 6
    return {
        "img_id": int(image.removeprefix("xmlab")),
        "img_name": f"{image}/source.jpg",
        "question": "图中有肝脏吗?" if chinese else question("slake", qid),
        "answer": "有" if chinese else ("Yes", "Liver", "by antibiotics and by drainage")[number % 3],
        "q_lang": "zh" if chinese else "en",
        "location": "Abdomen",
        "modality": ("MRI", "CT", "X-Ray")[number % 3],
        "answer_type": ("CLOSED", "OPEN", "OPEN")[number % 3],
        "base_type": "vqa",
        "content_type": "Organ",
        "triple": ["vhead", "_", "_"],
        "qid": qid,
    }


def path_vqa(root: Path, typed: bool = True, both: bool = True) -> None:
    """pvqa/ of the authors' archive: `typed` writes SPLIT_vqa.pkl, `both` also the pickles of plain answers."""
    for split in ("train", "val", "test"):
        asked = [(f"{split}_{number // 2:04d}", question("path_vqa", split, number)) for number in range(4)]
        plain = [{"image": image, "question": text, "answer": "yes"} for image, text in asked]
        rows = [
            {
                "answer_type": ("yes/no", "other")[number % 2],
                "img_id": image,
                "label": {("yes", "in the canals of hering")[number % 2]: 1},
                "question_id": number + 100_422_000,
                "question_type": "other",
                "sent": text,
            }
            for number, (image, text) in enumerate(asked)
        ]
        if typed:
            _dump(root / f"pvqa/qas/{split}_vqa.pkl", rows)
        if both:
            _dump(root / f"pvqa/qas/{split}/{split}_qa.pkl", plain)
        _dump(root / f"pvqa/{split}_img_id2idx.pkl", {image: number for number, (image, _) in enumerate(asked)})
        for number, (image, _) in enumerate(asked):
            save(root / f"pvqa/images/{split}/{image}.jpg", 1200 + 10 * len(split) + number // 2)
    for name in ("ans2label", "label2ans", "q2a", "qid2a", "qid2q", "trainval_ans2label", "trainval_label2ans"):
        _dump(root / f"pvqa/qas/{name}.pkl", {"yes": 0})


def _dump(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value, protocol=2))

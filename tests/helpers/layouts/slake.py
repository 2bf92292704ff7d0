"""SLAKE as the Hub gives it, its archive of images unpacked or not."""

import json
import zipfile
from pathlib import Path

from tests.helpers.layouts.jpeg import save


def make(root: Path, archive: bool = False) -> None:
    """The three tables, and imgs/ with a mask beside each image."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "train.json").write_text(json.dumps(_train(), ensure_ascii=False), encoding="utf-8")
    (root / "validation.json").write_text(json.dumps([_row(20, "Is this CT?", "No")]), encoding="utf-8")
    (root / "test.json").write_text(json.dumps([_row(30, "Is this MRI?", "Yes")]), encoding="utf-8")
    (root / "mask.txt").write_text("1:liver\n")
    for image in ("xmlab1", "xmlab102"):
        for seed, name in enumerate(("source.jpg", "mask.png")):
            save(root / "imgs" / image / name, len(image) + 10 * seed)
    if archive:
        _zip(root)


def _train():
    return [
        _row(0, "What modality is used to take this image?", "MRI", "OPEN"),
        _row(1, "Does the picture contain a liver?", "Yes"),
        _row(2, "Which is bigger here, the kidney or the liver?", "Liver", image="xmlab102", modality="X-Ray"),
        _row(3, "How is a lung abscess treated?", "by antibiotics and by drainage", "OPEN", modality="CT"),
        _row(4, "图中有肝脏吗?", "有", language="zh"),
        _row(5, "Is the 肝脏 healthy?", "Yes"),
        _row(6, "Is there a tumour?", "No", image="xmlab404"),
    ]


def _row(qid, question, answer, kind="CLOSED", *, language="en", image="xmlab1", modality="MRI"):
    return {
        "img_id": int(image.removeprefix("xmlab")),
        "img_name": f"{image}/source.jpg",
        "question": question,
        "answer": answer,
        "q_lang": language,
        "location": "Abdomen",
        "modality": modality,
        "answer_type": kind,
        "base_type": "vqa",
        "content_type": "Organ",
        "triple": ["vhead", "_", "_"],
        "qid": qid,
    }


def _zip(root):
    with zipfile.ZipFile(root / "imgs.zip", "w") as archive:
        for path in sorted((root / "imgs").rglob("*.*")):
            archive.writestr(path.relative_to(root).as_posix(), path.read_bytes())
            path.unlink()
    for folder in sorted((root / "imgs").iterdir()):
        folder.rmdir()
    (root / "imgs").rmdir()

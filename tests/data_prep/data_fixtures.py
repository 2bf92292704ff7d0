"""Small files in the sources' real layouts, made on the spot."""

import io
import json
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from data_prep import mixture
from data_prep.build import build
from data_prep.reading import shard_rows


def picture(seed=0, size=(24, 16), mode="RGB"):
    """A random image."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], bands), np.uint8)
    return Image.fromarray(values.squeeze(-1) if bands == 1 else values, mode=None)


def encoded(image, format="PNG", **options):
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def llava_row(row_id="r1", image="a.png", question="<image>\nWhat is it?", answer="a scan", **more):
    """A row as LLaVA-Med writes it."""
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"id": row_id, "image": image, "conversations": turns} | more


def llava_mixture(folder: Path, rows, **keys):
    """A mixture over one LLaVA table; `rows` is a list of rows, or the file's bytes."""
    images = folder / "pictures"
    images.mkdir(exist_ok=True)
    for number, name in enumerate(("a.png", "b.png")):
        (images / name).write_bytes(encoded(picture(number)))
    table = folder / "table.json"
    table.write_bytes(rows if isinstance(rows, bytes) else json.dumps(rows).encode())
    source = {"reader": "llava_json", "path": str(table), "images": str(images), "licence": "CC0-1.0"}
    text = yaml.safe_dump({"name": "tiny", "sources": [source], **keys})
    path = folder / "tiny.yml"
    path.write_text(text)
    return path


def built(mixture_path: Path, out: Path):
    """Build, and give the manifest, the rows by id and the ledger by id."""
    made = build(mixture.load(mixture_path), out, "test")
    rows = {row["id"]: row for _, row in shard_rows(out, list(made["shards"]))}
    entries = [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]
    assert made["read"] == made["written"] + len(entries) == len(rows) + len(entries)
    return made, rows, {entry["id"]: entry for entry in entries}


def dicom(path: Path, values: np.ndarray | None, photometric="MONOCHROME2", **header):
    """A DICOM file of one or many frames; `values` is (rows, columns), (frames, rows, columns) or (..., 3)."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PatientName, dataset.PatientID = "CT", "Doe^Jane", "SECRET-4711"
    if values is not None:
        colour = photometric in ("RGB", "YBR_FULL")
        shape = values.shape[:-1] if colour else values.shape
        if len(shape) == 3:
            dataset.NumberOfFrames = shape[0]
        dataset.Rows, dataset.Columns = shape[-2:]
        dataset.SamplesPerPixel = 3 if colour else 1
        if colour:
            dataset.PlanarConfiguration = 0
        dataset.PhotometricInterpretation = photometric
        dataset.BitsAllocated = dataset.BitsStored = values.dtype.itemsize * 8
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(values.dtype.kind == "i")
        dataset.PixelData = values.tobytes() + b"\0" * (values.nbytes % 2)
    for name, value in header.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path

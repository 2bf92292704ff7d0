"""A folder of DICOM files, made on the spot."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16  # 0 to 4080


def make(root: Path) -> None:
    """A series of one file with two frames, and a report without pixels."""
    (root / "study/series").mkdir(parents=True)
    dicom(root / "study/series/1.dcm", np.stack([RAMP, RAMP + 1]))
    dicom(root / "study/sr.dcm", None)


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

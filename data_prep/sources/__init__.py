"""The readers, one file each, by the name that a mixture gives."""

from data_prep.sources.base import Source
from data_prep.sources.dicom import Dicom
from data_prep.sources.llava_json import LlavaJson
from data_prep.sources.quickstart import Quickstart

READERS: dict[str, type[Source]] = {"dicom": Dicom, "llava_json": LlavaJson, "quickstart": Quickstart}
"""A reader is a dataclass: its fields are the keys that a mixture may give, those without a default it must."""

"""LLaVA-Med's list of archives: where the image of each pair of an article's figure and caption is to be had."""

from array import array
from pathlib import Path

import numpy as np

from data_prep.rows import Rejected
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Mark, all_rows

LIST = "llava_med_image_urls.jsonl"
"""The name of the released file, with rows {"pmc_tar_url", "image_file_path", "pair_id"}."""


class PairArchives:
    """The rows of the list by `pair_id`, in 24 bytes of memory each: a hash, and the place of the row in the file.

    Rows that cannot be read are passed over. It can be pickled. Raises TableError for another file.
    """

    def __init__(self, path: str | Path) -> None:
        self._table = JsonTable(path)
        hashes, rows, offsets = array("q"), array("q"), array("q")
        for mark, (_, row) in zip(self._table.marks(1), all_rows(self._table), strict=False):
            if not isinstance(row, Rejected):
                hashes.append(hash(str(row.get("pair_id"))))
                rows.append(mark.row)
                offsets.append(mark.offset)
        order = np.argsort(np.frombuffer(hashes, np.int64), kind="stable")
        self._hashes, self._rows, self._offsets = (
            np.frombuffer(values, np.int64)[order] for values in (hashes, rows, offsets)
        )

    def __reduce__(self) -> tuple[type["PairArchives"], tuple[Path]]:
        return PairArchives, (self._table.path,)

    def find(self, pair_id: str) -> dict[str, str]:
        """{"archive": its address, "member": the path of the image in it}; empty for a pair that is not listed."""
        low, high = (np.searchsorted(self._hashes, hash(pair_id), side) for side in ("left", "right"))
        for number in range(int(low), int(high)):
            mark = Mark(int(self._rows[number]), int(self._offsets[number]))
            _, row = next(self._table.rows(mark, 1))
            if isinstance(row, dict) and str(row.get("pair_id")) == pair_id:
                return {"archive": str(row.get("pmc_tar_url")), "member": str(row.get("image_file_path"))}
        return {}

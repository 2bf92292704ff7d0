"""The turns and parts of many rows, side by side, so that they are searched and written without a loop over rows."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.rows import SCHEMA, Sample

_VISIBLE = "[!-~\u0621-\u064a]"
"""Characters for RE2 that make a text other than blank, and which nearly every text has."""


@dataclass(frozen=True)
class Parts:
    """The parts of rows, one after another, and the turns that they are of.

    Attributes:
        samples: the rows.
        roles: the role of each turn.
        row: the index of each turn's row, shape (turns,).
        turn: the index of each part's turn, shape (parts,).
        types: the type of each part.
        text: the text of each part, null for an image.
    """

    samples: list[Sample]
    roles: pa.StringArray
    row: np.ndarray
    turn: np.ndarray
    types: pa.StringArray
    text: pa.StringArray

    @classmethod
    def of(cls, samples: list[Sample]) -> "Parts":
        """Raises UnicodeEncodeError for a lone surrogate in a text."""
        roles: list[str] = []
        row: list[int] = []
        turn: list[int] = []
        types: list[str] = []
        text: list[str | None] = []
        for number, sample in enumerate(samples):
            for message in sample.messages:
                here = len(roles)
                for part in message["content"]:
                    types.append(part["type"])
                    text.append(part.get("text"))
                    turn.append(here)
                roles.append(message["role"])
                row.append(number)
        strings = (pa.array(values, pa.string()) for values in (roles, types, text))
        return cls(samples, next(strings), np.array(row, np.int64), np.array(turn, np.int64), *strings)

    def where(self, wanted: np.ndarray) -> "Parts":
        """The parts of the rows in a mask of shape (rows,)."""
        turns = wanted[self.row]
        parts = turns[self.turn]
        return Parts(
            [self.samples[number] for number in np.flatnonzero(wanted).tolist()],
            self.roles.filter(pa.array(turns)),
            (np.cumsum(wanted) - 1)[self.row[turns]],
            (np.cumsum(turns) - 1)[self.turn[parts]],
            self.types.filter(pa.array(parts)),
            self.text.filter(pa.array(parts)),
        )

    def well_formed(self) -> np.ndarray:
        """For each row, whether `rows.check` surely passes: booleans of shape (rows,).

        The others need it: also those with a system turn, and with turns of unusual characters only.
        """
        rows, turns = len(self.samples), len(self.row)
        number = np.bincount(self.row, minlength=rows)
        is_second = (np.arange(turns) - (np.cumsum(number) - number)[self.row]) % 2 == 1
        role = pc.index_in(self.roles, value_set=pa.array(["user", "assistant"])).fill_null(-1).to_numpy()
        is_image = _mask(pc.equal(self.types, "image"))
        images = np.bincount(self.turn[is_image], minlength=turns)
        is_visible = _mask(pc.match_substring_regex(self.text, _VISIBLE).fill_null(False))
        filled = np.bincount(self.turn[is_image | is_visible], minlength=turns) > 0
        wrong = (role != is_second) | ((images > 0) & is_second) | ~filled
        named = np.fromiter((len(sample.images) for sample in self.samples), np.int64, rows)
        fits = (np.bincount(self.row, images, rows) == named) & (number % 2 == 0) & (number > 0)
        return fits & (np.bincount(self.row, wrong, rows) == 0)

    def messages(self) -> pa.ListArray:
        """The column `messages` of the rows."""
        column = SCHEMA.field("messages").type
        content = column.value_type.field("content").type
        parts = pa.StructArray.from_arrays([self.types, self.text], fields=list(content.value_type))
        lists = pa.ListArray.from_arrays(_offsets(self.turn, len(self.row)), parts, type=content)
        turns = pa.StructArray.from_arrays([self.roles, lists], fields=list(column.value_type))
        return pa.ListArray.from_arrays(_offsets(self.row, len(self.samples)), turns, type=column)


def _offsets(owner: np.ndarray, number: int) -> pa.Array:
    return pa.array(np.r_[0, np.cumsum(np.bincount(owner, minlength=number))], pa.int32())


def _mask(values: pa.Array) -> np.ndarray:
    mask: np.ndarray = values.to_numpy(zero_copy_only=False)
    return mask

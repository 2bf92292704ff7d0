"""The files of a zip file, indexed with 8 bytes of memory each.

PMC-OA's images.zip has 1.65 million members; Python's zipfile uses about 700 bytes for each, in every process. The
format is described in PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16 and 4.5.3.
"""

import os
import struct
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from data_prep.images.members import Members, check_size, index_stamp
from data_prep.rows import Reject
from data_prep.tables.table import TableError

_LOCAL = struct.Struct("<4s5H3L2H")
_RECORD = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64, _LOCATOR_64 = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_FULL = 0xFFFFFFFF
_ENCRYPTED = 1
_LONGEST_COMMENT = 0xFFFF


class _Record(NamedTuple):
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    length: int
    """Of the record itself, in bytes."""


class ZipMembers(Members):
    """The files of a zip file. Reads are positional, so that forked processes can share the open file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        self._start, self._size, self._shift = self._directory()
        self._records = array("q", (at for at, _ in self._all()))
        self._records.append(self._start + self._size)

    def names(self) -> Iterator[str]:
        """The name of each file."""
        return (record.name for _, record in self._all())

    def name(self, number: int) -> str:
        """The name of one file."""
        return self._record(number).name

    def read(self, number: int) -> bytes:
        """The bytes of one file, checked against its size and CRC."""
        record = self._record(number)
        check_size(record.name, max(record.size, record.packed), self.path)
        data, wrong = b"", ""
        if record.flags & _ENCRYPTED:
            wrong = "encrypted; unpack the archive with its password"
        elif record.method not in (0, 8):
            wrong = f"compression method {record.method}; unpack the archive"
        else:
            data = self._data(record)
            if len(data) != record.size or zlib.crc32(data) != record.crc:
                wrong = "damaged; download the archive again"
        if wrong:
            raise Reject("undecodable_image", f"{record.name} in {self.path}: {wrong}")
        return data

    def inputs(self) -> dict[str, str | int]:
        """The archive's size, and a digest of the names, sizes and CRCs."""
        return index_stamp(self.path, (f"{record.name} {record.size} {record.crc}" for _, record in self._all()))

    def _data(self, record: _Record) -> bytes:
        head = self._bytes(record.offset, _LOCAL.size)
        if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
            return b""
        *_, name, extra = _LOCAL.unpack(head)
        packed = self._bytes(record.offset + _LOCAL.size + name + extra, record.packed)
        if record.method == 0:
            return packed
        try:
            # at most the declared size, whatever the data; 0 would mean no limit
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, record.size or 1)
        except zlib.error:
            return b""

    def _record(self, number: int) -> _Record:
        at, next_one = self._records[number : number + 2]
        return self._parsed(self._bytes(at, next_one - at), 0)

    def _all(self) -> Iterator[tuple[int, _Record]]:
        """Yield the offset and the record of each file, in the order of the central directory."""
        directory, at = self._bytes(self._start, self._size), 0
        while at < len(directory):
            record = self._parsed(directory, at)
            if not record.name.endswith("/"):
                yield self._start + at, record
            at += record.length

    def _parsed(self, data: bytes, at: int) -> _Record:
        try:
            (signature, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, _, _, _, offset) = (
                _RECORD.unpack_from(data, at)
            )
        except struct.error as error:
            raise self._broken("its directory is cut off") from error
        if signature != b"PK\x01\x02":
            raise self._broken("its directory is damaged")
        end = at + _RECORD.size + name
        if _FULL in (size, packed, offset):
            size, packed, offset = _long_values(data[end : end + extra], size, packed, offset)
        length = _RECORD.size + name + extra + comment
        text = _text(data[end - name : end])
        return _Record(text, flags, method, crc, packed, size, offset + self._shift, length)

    def _directory(self) -> tuple[int, int, int]:
        """The start of the central directory, its size, and the number of bytes before the archive."""
        total = self.path.stat().st_size
        tail_start = max(0, total - _END.size - _LONGEST_COMMENT)
        tail = self._bytes(tail_start, total - tail_start)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < _END.size:
            raise self._broken("it has no end")
        _, disk, _, _, _, size, offset, _ = _END.unpack_from(tail, at)
        end = tail_start + at
        locator = self._bytes(max(0, end - _LOCATOR_64.size), _LOCATOR_64.size)
        if locator.startswith(b"PK\x06\x07") and end >= _LOCATOR_64.size + _END_64.size:
            end -= _LOCATOR_64.size + _END_64.size
            *_, size, offset = _END_64.unpack(self._bytes(end, _END_64.size))
        elif disk:
            raise self._broken("it is one part of several; put them together with: zip -s 0")
        start = end - size
        if start < offset:
            raise self._broken("its directory is not where it should be")
        return start, size, start - offset

    def _bytes(self, at: int, count: int) -> bytes:
        parts = []
        while count > 0 and (part := os.pread(self._file.fileno(), count, at)):
            parts.append(part)
            at, count = at + len(part), count - len(part)
        return b"".join(parts)

    def _broken(self, what: str) -> TableError:
        return TableError(f"{self.path}: not a complete zip file ({what}); download it again")


def _long_values(extra: bytes, *values: int) -> list[int]:
    """The values, those above 32 bits taken from the Zip64 extra field."""
    longs: Iterator[int] = iter(())
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            content = extra[at + 4 : at + 4 + length]
            longs = iter(struct.unpack(f"<{len(content) // 8}Q", content[: len(content) // 8 * 8]))
        at += 4 + length
    return [next(longs, value) if value == _FULL else value for value in values]


def _text(name: bytes) -> str:
    """The name of a member: UTF-8, even without its flag, which many programs do not set, or else code page 437."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("cp437")

"""The entries of a tar file, as `git archive`, tar and npm write them.

The format is simple, and Python's tarfile accepts far more than a project needs: sparse files, devices,
headers of any size, and patterns that hostile headers slow down.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from workflows.documents.projects.reading.entries import Entry, UnreadableArchive, nothing
from workflows.documents.projects.reading.limits import (
    MAX_ENTRIES,
    MAX_UNPACKED_BYTES,
    TOO_MANY_ENTRIES,
    UNPACKED_TOO_LARGE,
)

_BLOCK: Final = 512
_MAX_HEADER: Final = 64 * 1024
_RECORDS_PER_ENTRY: Final = 10  # on average, in extended headers
_GZIP_HEADER: Final = 31  # the largest window, and the header of gzip
_GZIP: Final = b"\x1f\x8b"
_OLD_FILE: Final = b"\0"
_FILES: Final = frozenset({b"0", _OLD_FILE, b"7"})
_FOLDER: Final = b"5"
_LONG_NAME: Final = b"L"
_EXTENDED: Final = b"x"
_WITHOUT_NAME: Final = frozenset({b"g", b"K", b"V"})  # comments, the targets of links, labels
_LINKS: Final = frozenset({b"1", b"2"})
_OCTAL: Final = re.compile(rb" *([0-7]{1,12})[ \0]*")
_RECORD: Final = re.compile(rb"([0-9]{1,6}) ")


def is_gzip(data: bytes) -> bool:
    """Whether the data starts like a gzip file."""
    return data.startswith(_GZIP)


def is_tar(data: bytes) -> bool:
    """Whether the data starts like a tar file."""
    return data[257:262] == b"ustar"


def unpacked(data: bytes) -> bytes:
    """Return what a gzip file contains; raises UnreadableArchive if it is too large or corrupt."""
    decompressor = zlib.decompressobj(_GZIP_HEADER)
    try:
        content = decompressor.decompress(data, MAX_UNPACKED_BYTES + 1)
    except zlib.error as error:
        raise UnreadableArchive(f"The archive cannot be unpacked: {error}.") from None
    if len(content) > MAX_UNPACKED_BYTES:
        raise UnreadableArchive(UNPACKED_TOO_LARGE)
    if not decompressor.eof or decompressor.unused_data.strip(b"\0"):
        raise UnreadableArchive("The archive is incomplete, or has something after its end.")
    return content


def tar_entries(data: bytes) -> list[Entry]:
    """Return the entries; raises UnreadableArchive."""
    return _Reader(data).entries()


class _Reader:
    """Reads header by header; `_long_name` is for the entry that follows."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._long_name = b""
        self._records = 0

    def entries(self) -> list[Entry]:
        entries: list[Entry] = []
        header = self._header()
        while header:
            entry = self._entry(header)
            if entry:
                entries.append(entry)
            if len(entries) > MAX_ENTRIES:
                raise UnreadableArchive(TOO_MANY_ENTRIES)
            header = self._header()
        return entries

    def _header(self) -> bytes:
        """Return the next header; b"" at the end, which is marked with a block of zeros."""
        header = self._data[self._position : self._position + _BLOCK]
        if header == bytes(_BLOCK):
            return b""
        if (
            len(header) < _BLOCK
            or not is_tar(header)
            or _checksum(header) != _number(header[148:156])
        ):
            raise UnreadableArchive("The tar file is corrupt or incomplete.")
        self._position += _BLOCK
        return header

    def _entry(self, header: bytes) -> Entry | None:
        kind, start, size = header[156:157], self._position, _number(header[124:136])
        end = start + size
        if end > len(self._data):
            raise UnreadableArchive("The tar file is incomplete.")
        self._position = end + -size % _BLOCK
        if kind in (_LONG_NAME, _EXTENDED):
            self._keep_name(kind, start, end)
            return None
        if kind in _WITHOUT_NAME:
            return None
        name, self._long_name = self._long_name or _short_name(header), b""
        return self._named(name, kind, start, end)

    def _keep_name(self, kind: bytes, start: int, end: int) -> None:
        if end - start > _MAX_HEADER:
            raise UnreadableArchive("The tar file has a header that is too long.")
        content = self._data[start:end]
        name = content.rstrip(b"\0") if kind == _LONG_NAME else self._path_in(content)
        self._long_name = name or self._long_name

    def _path_in(self, header: bytes) -> bytes:
        """Return the path in an extended header, b"" if it has none."""
        path = b""
        for key, value in _records(header):
            self._records += 1
            if key == b"size" or key.startswith(b"GNU.sparse"):
                raise UnreadableArchive("The tar file has files in a form that is not supported.")
            if self._records > MAX_ENTRIES * _RECORDS_PER_ENTRY:
                raise UnreadableArchive(TOO_MANY_ENTRIES)
            path = value if key == b"path" else path
        return path

    def _named(self, name: bytes, kind: bytes, start: int, end: int) -> Entry:
        text = name.decode("utf-8", "surrogateescape").removeprefix("./")
        is_folder = kind == _FOLDER or (kind == _OLD_FILE and text.endswith("/"))
        return Entry(
            name=text.removesuffix("/") if is_folder else text,
            is_folder=is_folder,
            reason="" if is_folder or kind in _FILES else _kind_reason(kind),
            read=nothing if is_folder else self._slice(start, end),
        )

    def _slice(self, start: int, end: int) -> Callable[[int], bytes]:
        return lambda most: self._data[start : min(end, start + most)]


def _checksum(header: bytes) -> int:
    return sum(header[:148]) + 8 * ord(" ") + sum(header[156:])


def _number(field: bytes) -> int:
    found = _OCTAL.fullmatch(field)
    if not found:
        raise UnreadableArchive("The tar file is corrupt: a number in it cannot be read.")
    return int(found[1], 8)


def _short_name(header: bytes) -> bytes:
    name, prefix = (header[start:end].partition(b"\0")[0] for start, end in ((0, 100), (345, 500)))
    is_posix = header[257:263] == b"ustar\0"
    return prefix + b"/" + name if is_posix and prefix else name


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key and value of each record of an extended header: `27 path=src/index.ts` and a line break."""
    position, end = 0, len(content.rstrip(b"\0"))
    while position < end:
        found = _RECORD.match(content, position)
        length = int(found[1]) if found else 0
        record = content[position : position + length]
        if not found or len(record) < length or not record.endswith(b"\n"):
            raise UnreadableArchive("The tar file has an extended header that cannot be read.")
        key, _, value = record[found.end() - position : -1].partition(b"=")
        yield key, value
        position += length


def _kind_reason(kind: bytes) -> str:
    if kind in _LINKS:
        return "is a link: links are not followed"
    return "is not a file: it is a device, a pipe or something else"

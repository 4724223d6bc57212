"""The entries of a zip file, without unpacking them."""

from __future__ import annotations

import io
import stat
import zlib
from collections.abc import Callable, Iterator
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from workflows.documents.projects.reading.entries import Entry, UnreadableArchive
from workflows.documents.projects.reading.limits import (
    MAX_ENTRIES,
    MAX_RATIO,
    RATIO_FREE_BYTES,
    TOO_MANY_ENTRIES,
)

_DIRECTORY_ENTRY: Final = b"PK\x01\x02"
_LOCAL_HEADER: Final = 30
_UTF8: Final = 0x800
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_METHODS: Final = frozenset({ZIP_STORED, ZIP_DEFLATED})
_ERRORS: Final = (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def is_zip(data: bytes) -> bool:
    """Whether the data starts like a zip file, even an empty one."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def zip_entries(data: bytes) -> list[Entry]:
    """Return the entries; raises UnreadableArchive."""
    if data.count(_DIRECTORY_ENTRY) > MAX_ENTRIES:  # much faster than reading them
        raise UnreadableArchive(TOO_MANY_ENTRIES)
    try:
        file = ZipFile(io.BytesIO(data))
    except UnicodeDecodeError as error:
        raise UnreadableArchive(
            f"An entry has a name that is not UTF-8: {error.object!r}."
        ) from None
    except (*_ERRORS, ValueError) as error:
        raise UnreadableArchive(f"The zip file cannot be read: {error}.") from None
    overlapping = _overlapping(file)
    return [_entry(file, info, overlapping) for info in file.infolist()]


def _entry(file: ZipFile, info: ZipInfo, overlapping: set[int]) -> Entry:
    name, reason = _name(info)
    if info.header_offset in overlapping:
        reason = reason or "shares its data with another entry"
    return Entry(
        name=name.removesuffix("/"),
        is_folder=name.endswith("/"),
        reason=reason or _reason(info),
        read=_reader(file, info),
    )


def _name(info: ZipInfo) -> tuple[str, str]:
    """Return the full name, and why it is refused.

    macOS writes UTF-8 without the flag for it, which Python then reads as code page 437.
    """
    name = info.orig_filename
    if name.isascii() or info.flag_bits & _UTF8:
        return name, ""
    try:
        return name.encode("cp437").decode(), ""
    except UnicodeDecodeError:
        return name, "has a name that is not UTF-8"


def _reason(info: ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is compressed with a method that is not supported: use a plain zip file"
    if kind == stat.S_IFLNK:
        return "is a link: links are not followed"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is not a file: it is a device, a pipe or a socket"
    if info.file_size > max(RATIO_FREE_BYTES, MAX_RATIO * info.compress_size):
        return f"is more than {MAX_RATIO} times larger than its compressed form"
    return ""


def _reader(file: ZipFile, info: ZipInfo) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        try:
            with file.open(info) as opened:
                content = opened.read(most)
        except (*_ERRORS, ValueError) as error:
            reason = str(error) or "its end is missing"
            raise UnreadableArchive(f"cannot be unpacked: {reason}") from None
        if len(content) < min(info.file_size, most):
            raise UnreadableArchive("cannot be unpacked: it is smaller than the archive claims")
        return content

    return read


def _overlapping(file: ZipFile) -> set[int]:
    """Return where the headers of entries are whose data another entry uses as well."""
    infos = sorted(file.infolist(), key=lambda info: info.header_offset)
    return set(_overlaps(infos))


def _overlaps(infos: list[ZipInfo]) -> Iterator[int]:
    end = 0
    for info in infos:
        if info.header_offset < end:
            yield info.header_offset
        size = _LOCAL_HEADER + len(info.orig_filename) + info.compress_size
        end = max(end, info.header_offset + size)

"""Reads the files of a zip in memory, and refuses one that could do harm."""

from __future__ import annotations

import io
import stat
import unicodedata
import zlib
from collections.abc import Iterator
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from workflows.documents.archive.content import ArchiveProblem, InvalidArchive
from workflows.ir.reading.problems import quoted
from workflows.ir.validation.validate import MAX_TEXT

MAX_ARCHIVE: Final = 20 * 1024 * 1024
"""The maximum size of a zip file in bytes."""
MAX_CONTENT: Final = 32 * 1024 * 1024
"""The maximum size of all files in it."""
MAX_FILES: Final = 2_000
_MAX_NAME: Final = 300
_ENTRY: Final = b"PK\x01\x02"  # the start of each entry in the table of contents
_UTF8: Final = 0x800
_ENCRYPTED: Final = 0x1
_METHODS: Final = frozenset({ZIP_STORED, ZIP_DEFLATED})
_ERRORS: Final = (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
_OF_SYSTEMS: Final = frozenset({"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"})


def is_zip(data: bytes) -> bool:
    """Whether the data looks like a zip file, even an empty one."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def read_files(data: bytes) -> dict[str, bytes]:
    """Return the files by their paths; raises InvalidArchive. Nothing is written to disk."""
    if len(data) > MAX_ARCHIVE:
        raise _refused(f"The file is larger than {MAX_ARCHIVE // 1024 // 1024} MB.")
    if data.count(_ENTRY) > MAX_FILES:
        raise _refused(f"The file has more than {MAX_FILES:,} entries.")
    try:
        with ZipFile(io.BytesIO(data)) as file:
            entries = [info for info in file.infolist() if not _is_of_system(info)]
            problems = list(_problems(entries))
            if problems:
                raise InvalidArchive(problems)
            return _contents(file, entries)
    except (*_ERRORS, UnicodeDecodeError, ValueError) as error:
        raise _refused(f"The file is not a zip file that can be read: {error}") from None


def _refused(message: str, file: str = "") -> InvalidArchive:
    return InvalidArchive([ArchiveProblem(file=file, message=message)])


def _is_of_system(info: ZipInfo) -> bool:
    """Whether macOS or Windows added the file."""
    parts = info.filename.split("/")
    return parts[0] in _OF_SYSTEMS or parts[-1] in _OF_SYSTEMS


def _contents(file: ZipFile, entries: list[ZipInfo]) -> dict[str, bytes]:
    """Read the files, whatever size their headers claim."""
    files: dict[str, bytes] = {}
    total = 0
    for info in entries:
        if info.is_dir():
            continue
        with file.open(info) as opened:
            content = opened.read(MAX_TEXT + 1)
        total += len(content)
        if len(content) > MAX_TEXT:
            raise _refused(f"is larger than {MAX_TEXT // 1024 // 1024} MB", _shown(info.filename))
        if total > MAX_CONTENT:
            raise _refused(f"The files are larger than {MAX_CONTENT // 1024 // 1024} MB in total.")
        files[info.filename] = content
    return files


def _problems(entries: list[ZipInfo]) -> Iterator[ArchiveProblem]:
    seen: dict[str, str] = {}
    for info in entries:
        reason = _entry_reason(info) or _name_reason(info)
        name = info.filename.rstrip("/")
        key = unicodedata.normalize("NFC", name).casefold()
        if not reason and key in seen and not (info.is_dir() and seen[key] == name):
            reason = (
                "appears twice"
                if seen[key] == name
                else f"differs from {quoted(seen[key])} only in case"
            )
        seen.setdefault(key, name)
        if reason:
            yield ArchiveProblem(file=_shown(info.orig_filename), message=reason)


def _shown(name: str) -> str:
    return quoted(name).strip('"')


def _entry_reason(info: ZipInfo) -> str:
    """Return why an entry of this kind is refused; "" for a plain file or a folder."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is compressed with a method that is not supported: use a plain zip"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a special file"
    return ""


def _name_reason(info: ZipInfo) -> str:
    """Return why the name of an entry is refused."""
    name = info.orig_filename
    if not name.isascii() and not info.flag_bits & _UTF8:
        return "has a name that is not UTF-8"
    if len(name) > _MAX_NAME:
        return f"has a name of more than {_MAX_NAME} characters"
    if not name.isprintable() or "\\" in name or ":" in name:
        return "has a name with characters that are not allowed"
    parts = name.removesuffix("/").split("/")
    if any(part.strip(". ") == "" or part != part.strip() for part in parts):
        return "points outside of the archive, or has an unusable path"
    return ""

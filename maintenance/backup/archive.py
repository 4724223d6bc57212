"""The zip file of a backup: it has exactly the files of its manifest, and nothing is unpacked by name."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError

from maintenance.backup.manifest import NAME, InvalidBackup, Manifest, StoredFile

DATABASE: Final = "database"
_MAX_MANIFEST: Final = 1024 * 1024  # bytes
_CHUNK: Final = 1024 * 1024  # bytes
_KEPT_FREE: Final = 200 * 1024 * 1024  # bytes


def write(path: Path, database: Path, describe: Callable[[StoredFile], Manifest]) -> Manifest:
    """Write the backup, which appears under its name when it is complete.

    Only its owner can read it. Raises FileExistsError if the file exists.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            with ZipFile(file, "w", ZIP_DEFLATED) as archive:
                manifest = describe(_add(archive, database))
                archive.writestr(NAME, manifest.serialize())
            file.flush()
            os.fsync(file.fileno())
        _publish(Path(name), path)
    finally:
        Path(name).unlink(missing_ok=True)
    return manifest


def _publish(complete: Path, path: Path) -> None:
    """Give the file its name. Raises FileExistsError if there is such a file."""
    try:
        os.link(complete, path)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links, such as vfat
        path.open("xb").close()
        complete.replace(path)


def _add(archive: ZipFile, source: Path) -> StoredFile:
    with source.open("rb") as file, archive.open(DATABASE, "w", force_zip64=True) as member:
        size, digest = _copy(file, member)
    return StoredFile(name=DATABASE, bytes=size, sha256=digest)


def _copy(source: IO[bytes], target: IO[bytes], *, most: int | None = None) -> tuple[int, str]:
    """Copy the file and return its size and checksum. Raises InvalidBackup above `most` bytes."""
    size, digest = 0, sha256()
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if most is not None and size > most:
            raise InvalidBackup("The database in the backup is larger than its manifest says.")
        digest.update(chunk)
        target.write(chunk)
    return size, digest.hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a backup and check its manifest. Raises InvalidBackup, OSError."""
    with _reading():
        archive = ZipFile(path)
    with archive:
        with _reading():
            content = Archive(archive)
        yield content


@contextmanager
def _reading() -> Iterator[None]:
    """Raise InvalidBackup if the file is damaged; a name that is not UTF-8 is a ValueError."""
    try:
        yield
    except (BadZipFile, ZlibError, EOFError, NotImplementedError, ValueError) as error:
        raise InvalidBackup(f"The file is not a complete backup: {error}.") from None


class Archive:
    """A backup that is read; the names in it are compared, and never used as paths."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._members = _members(archive)
        self.manifest = Manifest.parse(archive.read(self._members[NAME]))
        if self.manifest.database.name != DATABASE:
            raise InvalidBackup("The manifest names a file other than the database.")

    def extract_database(self, target: Path) -> None:
        """Write the database to a new file. Raises InvalidBackup if it differs from the manifest."""
        stored = self.manifest.database
        if stored.bytes > shutil.disk_usage(target.parent).free - _KEPT_FREE:
            raise InvalidBackup(
                f"The database in the backup has {stored.bytes:,} bytes, and {target.parent} has too "
                "little free space."
            )
        with (
            _reading(),
            self._archive.open(self._members[DATABASE]) as member,
            target.open("xb") as file,
        ):
            size, digest = _copy(member, file, most=stored.bytes)
            file.flush()
            os.fsync(file.fileno())
        if (size, digest) != (stored.bytes, stored.sha256):
            raise InvalidBackup("The database in the backup is damaged: its checksum differs.")


def _members(archive: ZipFile) -> dict[str, ZipInfo]:
    members = archive.infolist()
    names = sorted(member.filename for member in members)
    if names != sorted((NAME, DATABASE)):
        raise InvalidBackup(
            f"A backup has exactly two files, {NAME} and {DATABASE}. This file has others."
        )
    found = {member.filename: member for member in members}
    if any(not _is_plain(member) for member in members):
        raise InvalidBackup(
            "The backup has a link, an encrypted file or an unusual compression, which AwaitStep never "
            "writes."
        )
    if found[NAME].file_size > _MAX_MANIFEST:
        raise InvalidBackup("The manifest is too large.")
    return found


def _is_plain(member: Any) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    is_file = kind in (0, stat.S_IFREG) and not member.flag_bits & 0x1
    return is_file and member.compress_type in (ZIP_STORED, ZIP_DEFLATED)

"""Archives for tests, and why they are refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from typing import Final
from warnings import catch_warnings, simplefilter
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from workflows.documents.projects.files import InvalidProject, ProjectProblem, read_archive

Content = Mapping[str, str | bytes]
Pack = Callable[[Content], bytes]


def zipped(files: Content, *, prefix: str = "", method: int = ZIP_DEFLATED) -> bytes:
    """Return a zip file; a name may be there twice."""
    data = io.BytesIO()
    with ZipFile(data, "w", method) as packed, catch_warnings():
        simplefilter("ignore")
        for path, content in files.items():
            packed.writestr(prefix + path, content)
    return data.getvalue()


def zip_entry(name: str, content: bytes = b"x", **fields: int) -> bytes:
    """Return a zip file with one entry, whose `fields` are set."""
    data = io.BytesIO()
    info = ZipInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    with ZipFile(data, "w", ZIP_DEFLATED) as packed:
        packed.writestr(info, content)
    return data.getvalue()


def tar(files: Content, *, mode: str = "w:gz", kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar file, which is compressed unless the mode is "w"."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode, format=kind) as packed:  # type: ignore[call-overload]
        for path, content in files.items():
            body = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(path)
            info.size = len(body)
            packed.addfile(info, io.BytesIO(body))
    return data.getvalue()


def tar_entry(name: str, kind: bytes, *, target: str = "") -> bytes:
    """Return a tar file with one entry of this type."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as packed:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        packed.addfile(info)
    return data.getvalue()


def with_checksum(header: bytearray) -> bytes:
    """Return the header of an entry of a tar file with the checksum that fits it."""
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * ord(" ") + sum(header[156:512]))
    return bytes(header)


FORMATS: Final[dict[str, Pack]] = {
    "zip": zipped,
    "zip without compression": lambda files: zipped(files, method=ZIP_STORED),
    "tar": lambda files: tar(files, mode="w"),
    "tar.gz": tar,
    "GNU tar": lambda files: tar(files, kind=tarfile.GNU_FORMAT),
    "POSIX tar": lambda files: tar(files, kind=tarfile.USTAR_FORMAT),
}
each_format = pytest.mark.parametrize("pack", FORMATS.values(), ids=FORMATS)


def problems_of(data: bytes) -> tuple[ProjectProblem, ...]:
    """Return why an archive is refused."""
    with pytest.raises(InvalidProject) as caught:
        read_archive(data)
    return caught.value.problems


def reason_for(data: bytes) -> str:
    """Return why an archive is refused, as text."""
    return "\n".join(map(str, problems_of(data)))

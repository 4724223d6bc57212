"""The content of files as it is stored: text as it is, everything else in Base64."""

from __future__ import annotations

import base64
import binascii
from typing import Final

StoredFile = str | dict[str, str]
ProjectFiles = dict[str, StoredFile]
"""The files of a project by relative POSIX path: their text, or `{"base64": "..."}`."""

BASE64: Final = "base64"


def stored(content: bytes) -> StoredFile:
    """Return the stored form of a file: text if it is UTF-8 without NUL characters.

    The text keeps its line breaks and its byte order mark.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    return {BASE64: base64.b64encode(content).decode()} if "\0" in text else text


def content_of(file: StoredFile) -> bytes:
    """Return the bytes of a stored file; raises ValueError if it is not Base64."""
    if isinstance(file, str):
        return file.encode()
    try:
        return base64.b64decode(file[BASE64].encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"is not Base64: {error}") from None


def file_bytes(files: ProjectFiles, path: str) -> bytes:
    """Return the exact bytes of a file; raises KeyError if there is none."""
    return content_of(files[path])


def text_of(files: ProjectFiles, path: str) -> str | None:
    """Return the text of a file; None if there is no such file, or if it is not text."""
    file = files.get(path)
    return file if isinstance(file, str) else None

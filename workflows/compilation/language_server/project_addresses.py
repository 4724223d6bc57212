"""The addresses of a project's files in the Language Server Protocol, as browsers use it."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

from workflows.codegen.text.slots import SlotKey
from workflows.compilation.language_server.protocol import CAPABILITIES, INVALID, Documents, Refused

_SCHEME: Final = "project:/"
_KEPT: Final = "!'()*"  # what browsers do not quote either
_MAX_ADDRESS: Final = 4_000


def address_of(key: SlotKey) -> str:
    """Return the address of the file with the key ("", path)."""
    return f"{_SCHEME}{quote(key[1], safe=_KEPT)}"


def key_of(address: object) -> SlotKey:
    """Return the key of a file; raises Refused for what cannot be a path in a project."""
    if (
        isinstance(address, str)
        and address.startswith(_SCHEME)
        and len(address) < _MAX_ADDRESS
        and _is_inside(path := unquote(address.removeprefix(_SCHEME)))
    ):
        return "", path
    raise Refused(INVALID, "only the files of the project can be opened")


def _is_inside(path: str) -> bool:
    return all(part not in ("", ".", "..") for part in path.split("/")) and "\0" not in path


FILES: Final = Documents(
    key_of,
    address_of,
    {name: value for name, value in CAPABILITIES.items() if name != "renameProvider"},
)

"""Which paths files of a project can have: the same on every system, and all of it visible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from workflows.documents.projects.reading.limits import MAX_DEPTH, MAX_PATH_BYTES
from workflows.ir.reading.problems import quoted

_LONGEST: Final = 4_096  # also of files that are left out
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_NOT_ON_WINDOWS: Final = re.compile(r'[<>:"|?*]')
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\..*)?")
# Files that the tools read at the top of the folder in which a project is checked and bundled.
_FILES_OF_TOOLS: Final = frozenset(
    {
        "awaitstep-ambient.d.ts",
        "package-lock.json",
        "package.json",
        "tsconfig.json",
        "wrangler.json",
        "wrangler.jsonc",
        "wrangler.toml",
    }
)
# Letters and marks that take no space or look like one; str.isprintable covers the other invisible
# characters: control characters, those that change the direction of text, and unassigned ones.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def shown(path: str) -> str:
    """Return a path for a message, with everything in it visible, and cut if it is long."""
    text = quoted(path, limit=120).strip('"')
    return "".join(part if _is_visible(part) else f"\\u{ord(part):04x}" for part in text)


def escape_reason(path: str) -> str:
    """Return why a path points outside of the project, or is not a path; "" if it is one inside it."""
    if not path:
        return "has no name"
    if len(path) > _LONGEST:
        return f"has a path of more than {_LONGEST:,} characters"
    if "\\" in path:
        return "has a backslash in its name"
    if path.startswith("/"):
        return "is an absolute path"
    if _DRIVE.match(path):
        return "starts with a drive letter"
    if ".." in path.split("/"):
        return "points outside of the project (..)"
    if "\0" in path:
        return "has a NUL character in its name"
    return ""


def path_reason(path: str) -> str:
    """Return why a file of a project cannot have this path; "" if it can."""
    parts = path.split("/")
    reason = escape_reason(path)
    if reason:
        return reason
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        return f"has a path of more than {MAX_PATH_BYTES} bytes"
    if len(parts) > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} folders deep"
    if not unicodedata.is_normalized("NFC", path):
        return "has a name that is not in Unicode's normal form NFC"
    if len(parts) > 1 and parts[0].lower() in _FILES_OF_TOOLS:
        return f"is in a folder with the name of a configuration file ({shown(parts[0])}): rename the folder"
    return next((reason for reason in map(_name_reason, parts) if reason), "")


def _name_reason(name: str) -> str:
    if name in ("", "."):
        return "has an empty part in its path"
    if any(0xD800 <= ord(part) < 0xE000 for part in name):
        return "has a name that is not UTF-8"
    if not all(map(_is_visible, name)):
        return "has an invisible character in its name"
    if _NOT_ON_WINDOWS.search(name):
        return 'has a character in its name that Windows does not allow: one of < > : " | ? *'
    if name != name.strip(" ") or name.endswith("."):
        return "has a name that starts or ends with a space, or ends with a dot"
    if _RESERVED.fullmatch(name.lower()):
        return f"has a name that Windows reserves ({name})"
    return ""


def _is_visible(character: str) -> bool:
    return character.isprintable() and not _INVISIBLE.match(character)


class TakenPaths:
    """The paths so far, to find those that are the same on systems that ignore case."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, path: str) -> str:
        """Add the path of a file; return why it clashes with a path before it, "" if it does not."""
        key = _key(path)
        if key in self._files:
            return _clash(path, self._files[key])
        if key in self._folders:
            return "is a file and a folder"
        for folder in folders_of(path):
            reason = self._add_folder(folder)
            if reason:
                return reason
        self._files[key] = path
        return ""

    def _add_folder(self, folder: str) -> str:
        key = _key(folder)
        if key in self._files:
            return f"is in {shown(folder)}, which is a file"
        if self._folders.setdefault(key, folder) != folder:
            return _clash(folder, self._folders[key])
        return ""


def folders_of(path: str) -> Iterator[str]:
    """Yield the folders of a path, from the outermost: `a`, `a/b` for `a/b/c`."""
    position = path.find("/")
    while position >= 0:
        yield path[:position]
        position = path.find("/", position + 1)


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _clash(path: str, other: str) -> str:
    if path == other:
        return "appears twice"
    return f"differs from {shown(other)} only in case or in the form of its characters"

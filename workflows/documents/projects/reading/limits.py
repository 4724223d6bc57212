"""How large a project can be, and how much of a folder or an archive is read to find that out."""

from __future__ import annotations

from typing import Final

_KB: Final = 1024
_MB: Final = 1024 * _KB

MAX_FILES: Final = 1_000
MAX_FILE_BYTES: Final = 1 * _MB
MAX_LOCK_BYTES: Final = 4 * _MB
"""The maximum size of a lock file: those of projects with many development tools exceed 1 MB."""
MAX_TOTAL_BYTES: Final = 8 * _MB
MAX_DEPTH: Final = 16
"""How many folders a file can be in, including the project itself."""
MAX_PATH_BYTES: Final = 255

MAX_ENTRIES: Final = 20_000
"""How many files and folders an archive or a folder can have, including those that are left out."""
MAX_ARCHIVE_BYTES: Final = 20 * _MB
MAX_UNPACKED_BYTES: Final = 32 * _MB
"""The maximum size of a tar archive, which has to be unpacked to find its files."""
MAX_RATIO: Final = 200
"""How many times larger a file can be than its compressed form. Source code reaches 20."""
RATIO_FREE_BYTES: Final = 64 * _KB
"""Files up to this size can have any ratio: a generated table of zeros is harmless."""
MAX_PROBLEMS: Final = 100

_LOCK_FILES: Final = frozenset(
    {
        "bun.lock",
        "bun.lockb",
        "npm-shrinkwrap.json",
        "package-lock.json",
        "pnpm-lock.yaml",
        "yarn.lock",
    }
)


def max_bytes(path: str) -> int:
    """Return the maximum size of the file."""
    return MAX_LOCK_BYTES if path.rpartition("/")[2] in _LOCK_FILES else MAX_FILE_BYTES


def size_reason(path: str, size: int) -> str:
    """Return why the file is too large; "" if it is not."""
    most = max_bytes(path)
    return f"is larger than {most // _MB} MB" if size > most else ""


TOO_MANY_FILES: Final = f"The project has more than {MAX_FILES:,} files."
TOO_LARGE: Final = f"The files of the project are larger than {MAX_TOTAL_BYTES // _MB} MB in total."
TOO_MANY_ENTRIES: Final = f"There are more than {MAX_ENTRIES:,} files and folders: leave out folders such as node_modules."
ARCHIVE_TOO_LARGE: Final = f"The archive is larger than {MAX_ARCHIVE_BYTES // _MB} MB: leave out folders such as node_modules."
UNPACKED_TOO_LARGE: Final = (
    f"The archive unpacks to more than {MAX_UNPACKED_BYTES // _MB} MB: leave out folders such as "
    "node_modules."
)

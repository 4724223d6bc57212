"""How files of tests are dealt to processes, so that each expensive program is started by one of them."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadFileScheduling

GROUPS: Final = {
    "tests/browser/": "browser",
    "tests/workflows/picture/test_in_browser.py": "browser",
}
"""What one process runs, by the start of a file's path: the web server, its language servers, Chromium."""


class GroupScheduling(LoadFileScheduling):  # type: ignore[misc]
    """Deals files to processes as they become free, and a group to one process."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((group for path, group in GROUPS.items() if file.startswith(path)), file)

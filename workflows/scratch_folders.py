"""Private folders for the compiler that belong to no deployment."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from toolchain.private_files import private_folder
from workflows.compilation.typescript import SCRATCH_PREFIX


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """Yield an empty folder whose name says what it is for; it is removed at the end."""
    parent = private_folder(settings.AWAITSTEP.data_dir / "deploys")
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{SCRATCH_PREFIX}{name}-") as folder:
        yield Path(folder)

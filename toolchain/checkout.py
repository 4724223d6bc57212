"""Whether the product runs in a checkout of its repository, or was installed from a wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
"""The folder of all packages, `docs/` and `templates/`. In a wheel, it is the package `awaitstep`."""

IS_CHECKOUT: Final = (PROJECT / "pyproject.toml").is_file()

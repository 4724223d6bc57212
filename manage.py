#!/usr/bin/env python
"""Run a management command. Errors in the setup end it with a message, without a traceback.

In the wheel, this file is part of the package `awaitstep`, and the program `awaitstep` calls `main`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError

_PROJECT = str(Path(__file__).resolve().parent)
if _PROJECT not in sys.path:
    sys.path.insert(0, _PROJECT)

from toolchain.commands import START, command  # noqa: E402 - it is in the project's folder


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awaitstep_site.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"AwaitStep cannot start: {error}")
    except OperationalError as error:
        if not any(words in str(error) for words in ("no such", "has no column")):
            raise
        folder = os.environ.get("AWAITSTEP_DATA_DIR", "the data directory")
        sys.exit(
            f"The database in {folder} is missing or not up to date ({error}). Start with `{START}`, "
            f"run `{command('migrate')}`, or set AWAITSTEP_DATA_DIR to your data directory."
        )


if __name__ == "__main__":
    main()

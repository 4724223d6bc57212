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
from django.db import OperationalError, ProgrammingError

_PROJECT = str(Path(__file__).resolve().parent)
if _PROJECT not in sys.path:
    sys.path.insert(0, _PROJECT)

from toolchain.commands import START, command  # noqa: E402 - it is in the project's folder
from toolchain.terminal import use_plain_output  # noqa: E402

_NOT_MIGRATED = ("42P01", "42703")  # PostgreSQL's codes for a missing table and a missing column


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awaitstep_site.settings")
    use_plain_output()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"AwaitStep cannot start: {error}")
    except (OperationalError, ProgrammingError) as error:
        explain = _explain_postgresql if os.environ.get("DATABASE_URL") else _explain_sqlite
        message = explain(error)
        if message is None:
            raise
        sys.exit(message)


def _explain_sqlite(error: Exception) -> str | None:
    if not any(words in str(error) for words in ("no such", "has no column")):
        return None
    folder = os.environ.get("AWAITSTEP_DATA_DIR", "the data directory")
    return (
        f"The database in {folder} is missing or not up to date ({error}). Start with `{START}`, "
        f"run `{command('migrate')}`, or set AWAITSTEP_DATA_DIR to your data directory."
    )


def _explain_postgresql(error: Exception) -> str | None:
    """Return a message with the first line of the error, which never has the password."""
    reason = str(error).partition("\n")[0]
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    if sqlstate in _NOT_MIGRATED:
        return f"The database is not up to date ({reason}). Run `{command('migrate')}`."
    if isinstance(error, OperationalError) and sqlstate is None:
        return f"The database at DATABASE_URL is not available: {reason}"
    return None


if __name__ == "__main__":
    main()

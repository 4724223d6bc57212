#!/usr/bin/env python
"""Run a management command. Errors in the setup end it with a message, without a traceback."""

from __future__ import annotations

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awaitstep_site.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"AwaitStep cannot start: {error}")
    except OperationalError as error:
        if not any(words in str(error) for words in ("no such", "has no column")):
            raise
        folder = os.environ.get("AWAITSTEP_DATA_DIR", "var/ of the project")
        sys.exit(
            f"The database in {folder} is missing or not up to date ({error}). Start with "
            "`make run`, run `.venv/bin/python manage.py migrate`, or set AWAITSTEP_DATA_DIR to your data directory."
        )

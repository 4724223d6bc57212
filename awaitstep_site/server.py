"""The web server: `python -m awaitstep_site.server`, with the options of Daphne."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awaitstep_site.settings")
django.setup()

from web.gateway.server import LimitedCommandLine  # noqa: E402 - Django must be set up first

if __name__ == "__main__":
    LimitedCommandLine().run([*sys.argv[1:], "awaitstep_site.asgi:application"])

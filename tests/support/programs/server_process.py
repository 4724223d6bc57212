"""Run a server of an installation: `python -m tests.support.programs.server_process COMMAND ...`.

COMMAND is what Python would be given: the path of a script, or `-m` and a module.
"""

from __future__ import annotations

import runpy
import sys

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.support import warm_wrangler

if __name__ == "__main__":
    warm_wrangler.use()
    PBKDF2PasswordHasher.iterations = 1  # the usual number takes a third of a second per login
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")

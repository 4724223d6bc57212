"""`manage.py check --deploy` with production settings: part of `make check`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "AWAITSTEP_DATA_DIR": folder,
            "AWAITSTEP_MODE": "production",
            "AWAITSTEP_ALLOWED_HOSTS": "deploys.example.com",
            "AWAITSTEP_TRUSTED_ORIGINS": "https://deploys.example.com",
        }
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
        return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

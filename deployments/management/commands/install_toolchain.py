from __future__ import annotations

import subprocess
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from toolchain import node_tools
from toolchain.tools_folder import VARIABLE


class Command(BaseCommand):
    help = "Install Cloudflare's tools with npm, as pinned by this version."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write("Installing Cloudflare's tools (once) ...")
        self.stdout.flush()
        try:
            node_tools.install()
        except OSError as error:
            raise CommandError(
                f"The tools cannot be written: {error}. Set {VARIABLE} to another folder."
            ) from None
        except subprocess.CalledProcessError as error:
            raise CommandError(
                f"npm failed (exit code {error.returncode}). Its output is above."
            ) from None
        self.stdout.write(f"Installed in {node_tools.TOOLCHAIN}")

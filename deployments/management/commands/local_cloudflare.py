"""Run the embedded platform in the foreground."""

from __future__ import annotations

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from toolchain import embedded_platform


class Command(BaseCommand):
    help = "Runs the embedded platform until Ctrl-C; its port opens when it can serve."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve, and pass the platform's exit status on."""
        if not settings.AWAITSTEP.offers_local_cloudflare:
            raise CommandError(
                "The embedded platform is off in production: it runs authors' code on this host. "
                "AWAITSTEP_LOCAL_CLOUDFLARE=true turns it on."
            )
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: wait for its end
        configured = settings.AWAITSTEP
        port = configured.local_cloudflare_port
        sys.exit(embedded_platform.serve(configured.data_dir, port=port, on_ready=self._tell))

    def _tell(self, port: int) -> None:
        self.stdout.write(f"The embedded platform serves http://127.0.0.1:{port}/client/v4")
        self.stdout.flush()

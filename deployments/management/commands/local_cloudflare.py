"""Run the embedded platform in the foreground."""

from __future__ import annotations

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from toolchain import embedded_platform


class Command(BaseCommand):
    help = "Run the embedded platform until Ctrl-C; its port opens when it is ready."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the platform and return its exit status."""
        if not settings.AWAITSTEP.offers_local_cloudflare:
            raise CommandError(
                "The embedded platform is off in production, because it runs workflow code on this "
                "host. Set AWAITSTEP_LOCAL_CLOUDFLARE=true to turn it on."
            )
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: wait for its end
        configured = settings.AWAITSTEP
        status = embedded_platform.serve(
            configured.data_dir,
            port=configured.local_cloudflare_port,
            on_ready=self._print_url,
            reserved_hosts=configured.hosts,
            concurrent_runs=configured.local_cloudflare_concurrent_runs,
        )
        sys.exit(status)

    def _print_url(self, port: int) -> None:
        self.stdout.write(f"The embedded platform is ready at http://127.0.0.1:{port}/client/v4")
        self.stdout.flush()

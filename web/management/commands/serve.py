from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from web.gateway.server import LimitedCommandLine


class Command(BaseCommand):
    help = "Run the web server until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
        parser.add_argument(
            "--port", type=int, default=settings.AWAITSTEP.port, help="default: AWAITSTEP_PORT"
        )

    def handle(self, *_args: Any, host: str, port: int, **_options: Any) -> None:
        options = ["-v", "0", "-b", host, "-p", str(port), "--no-server-name"]
        module, _, name = settings.ASGI_APPLICATION.rpartition(".")
        LimitedCommandLine().run([*options, f"{module}:{name}"])

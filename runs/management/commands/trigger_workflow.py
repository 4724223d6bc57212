from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from runs import control
from runs.management.commands._run_command import Place, RunCommand, me, payload


class Command(RunCommand):
    help = "Start a run of a deployed workflow and print it as JSON, its id among it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        given = parser.add_mutually_exclusive_group()
        given.add_argument("given", nargs="?", metavar="PAYLOAD", help="JSON; default: {}")
        given.add_argument("--payload", metavar="JSON", help="the same")
        given.add_argument(
            "--batch",
            metavar="FILE",
            help='a run for each line: a payload, or {"id": ..., "params": ...}; - is standard input',
        )
        parser.add_argument(
            "--id", default="", metavar="INSTANCE", help="the same id twice starts one run"
        )
        self.add_reason(parser)

    def about(self, place: Place, options: dict[str, Any]) -> None:
        if options["batch"]:
            self._start_batch(place, options["batch"])
            return
        given = options["payload"] if options["payload"] is not None else options["given"]
        value = payload(given if given is not None else "{}")
        started = control.trigger(
            place.live, value, by=me(), instance_id=options["id"], reason=options["reason"]
        )
        if not started.is_new:
            self.stderr.write(f"The run {options['id']} was there already: no other was started.")
        self.print_json(started.told)

    def _start_batch(self, place: Place, file: str) -> None:
        started = 0
        for started, _last in control.trigger_batch(place.live, _lines(file), by=me()):
            self.stderr.write(f"{started:,} runs started")
        if not started:
            raise CommandError(f"{file} has no line: nothing was started.")
        self.print_json({"started": started})


def _lines(file: str) -> list[str]:
    if file == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None

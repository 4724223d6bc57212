from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from runs.bulk import batch_start, batch_work
from runs.bulk.json_lines import Line, read_lines
from runs.management.run_command import Place, RunCommand, me, payload
from runs.presentation import became
from runs.services import control
from runs.services.control import Refused
from targets.cloudflare import retries
from targets.cloudflare.retries import RetryPolicy

_LONGEST: Final = 600.0  # seconds that a batch waits for a target that is asked too often


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
        parser.add_argument("--json", action="store_true", help="what is printed is JSON anyway")
        self.add_reason(parser)

    def about(self, place: Place, options: dict[str, Any]) -> None:
        if options["batch"]:
            if options["id"]:
                raise CommandError("--id is for one run: in a batch each line may have an id.")
            self._start_batch(place, options["batch"], reason=options["reason"])
            return
        given = options["payload"] if options["payload"] is not None else options["given"]
        value = payload(given if given is not None else "{}")
        started = control.trigger(
            place.live, value, by=me(), instance_id=options["id"], reason=options["reason"]
        )
        if not started.is_new:
            self.stderr.write(f"The run {options['id']} was there already: no other was started.")
        self.print_json(started.told)

    def _start_batch(self, place: Place, file: str, *, reason: str) -> None:
        wanted, live, started = _read(file), place.live, 0
        batch_start.record(live, len(wanted), by=me(), reason=reason)
        there: list[dict[str, str]] = []
        with retries.using(RetryPolicy(max_wait=_LONGEST)):
            for part in batch_work.start_all(live, wanted):
                started += part.started
                there += part.told
                self.stderr.write(f"{started + len(there):,} of {len(wanted):,} lines done")
        for one in there:
            self.stderr.write(f"{one['run']}: {one['message']}")
        self.stderr.write(became(batch_work.START, done=started, there=len(there)))
        self.print_json({"started": started, "refused": [one["run"] for one in there]})


def _read(file: str) -> list[Line]:
    try:
        wanted = read_lines(_lines(file))
    except Refused as refused:
        raise CommandError(f"{refused}\nNothing was started.") from None
    if not wanted:
        raise CommandError(f"{file} has no line: nothing was started.")
    return wanted


def _lines(file: str) -> list[str]:
    if file == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None

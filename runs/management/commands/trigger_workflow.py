from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from audit.trail import command_line_actor
from runs.bulk import batch_start, batch_work
from runs.bulk.json_lines import Line, read_lines
from runs.management.run_command import CommandScope, RunCommand, read_payload_option
from runs.presentation import bulk_result
from runs.services import control
from runs.services.control import Refused
from runs.services.start_options import LOCATIONS, StartOptions, read_options
from targets.cloudflare import retries
from targets.cloudflare.retries import RetryPolicy

_MAX_WAIT: Final = 600.0  # seconds that a batch waits for a target that is rate limited


class Command(RunCommand):
    help = "Start a run of a deployed workflow, and print its id and status as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        payloads = parser.add_mutually_exclusive_group()
        payloads.add_argument("given", nargs="?", metavar="PAYLOAD", help="JSON; default: {}")
        payloads.add_argument("--payload", metavar="JSON", help="the same")
        payloads.add_argument(
            "--batch",
            metavar="FILE",
            help='start a run for each line: a payload, or {"id": ..., "params": ...}; '
            "- reads standard input",
        )
        parser.add_argument(
            "--id", default="", metavar="INSTANCE", help="an id that is used twice starts one run"
        )
        for how, name in (("completed", "success"), ("failed", "error")):
            parser.add_argument(
                f"--{name}-retention",
                default="",
                metavar="DURATION",
                help=f'how long the run is kept if it {how}, such as "3 days"; default: the Workflow\'s',
            )
        parser.add_argument(
            "--location",
            default="",
            metavar="HINT",
            help=f"where the run should execute: {', '.join(LOCATIONS)}",
        )
        parser.add_argument("--json", action="store_true", help="the output is always JSON")
        self.add_reason(parser)

    def run(self, scope: CommandScope, options: dict[str, Any]) -> None:
        start_options = read_options(
            success=options["success_retention"],
            error=options["error_retention"],
            location=options["location"],
        )
        if options["batch"]:
            if options["id"]:
                raise CommandError("--id is for one run; in a batch, put the id in each line.")
            self._start_batch(scope, options["batch"], start_options, reason=options["reason"])
            return
        text = options["payload"] if options["payload"] is not None else options["given"]
        payload = read_payload_option(text if text is not None else "{}")
        started = control.trigger(
            scope.live,
            payload,
            by=command_line_actor(),
            instance_id=options["id"],
            options=start_options,
            reason=options["reason"],
            workflow=scope.name,
        )
        if not started.is_new:
            self.stderr.write(f"The run {options['id']} already exists. No new run was started.")
        self.print_json(started.answer)

    def _start_batch(
        self, scope: CommandScope, file: str, options: StartOptions, *, reason: str
    ) -> None:
        lines, live, started = _read(file, options), scope.live, 0
        batch_start.record(
            live, len(lines), by=command_line_actor(), reason=reason, options=options
        )
        existing: list[dict[str, str]] = []
        with retries.using(RetryPolicy(max_wait=_MAX_WAIT)):
            for result in batch_work.start_in_chunks(live, lines, scope.name):
                started += result.started
                existing += result.messages
                self.stderr.write(f"{started + len(existing):,} of {len(lines):,} lines done")
        for item in existing:
            self.stderr.write(f"{item['run']}: {item['message']}")
        self.stderr.write(bulk_result(batch_work.START, done=started, existing=len(existing)))
        self.print_json({"started": started, "refused": [item["run"] for item in existing]})


def _read(file: str, options: StartOptions) -> list[Line]:
    try:
        lines = read_lines(_lines(file), options)
    except Refused as error:
        raise CommandError(f"{error}\nNothing was started.") from None
    if not lines:
        raise CommandError(f"{file} has no lines. Nothing was started.")
    return lines


def _lines(file: str) -> list[str]:
    """Return the lines; text may contain other line breaks than line feeds."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None

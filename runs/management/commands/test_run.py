from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from runs.management.run_command import read_payload_option
from runs.models import TestRun
from runs.steps.step_reader import Step
from runs.test_runs import services
from runs.test_runs.progress import TestProgress, progress_of
from runs.test_runs.services import TestInput
from targets.cloudflare.errors import DeployError
from workflows.documents.saved_tests.pins import DEFAULT_MESSAGE, Failures, Pin
from workflows.services import WorkflowNotFound, get_workflow

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_POLL: Final = 0.2  # seconds
_LONGEST_OUTPUT: Final = 300  # characters
_PINS: Final = (
    ("--pin", "NODE=JSON", "the node's output, or the payload of its event"),
    ("--fail", "NODE[=TIMES]", "make the first attempts fail, or all"),
    ("--time-out", "NODE[=TIMES]", "make the first attempts time out, or all, or a wait"),
)


class Command(BaseCommand):
    help = "Run the draft of a workflow on the embedded platform, and print what each step does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument("--payload", metavar="JSON", default="{}", help="default: {}")
        parser.add_argument("--until", metavar="NODE", default="", help="stop after this node")
        clock = parser.add_mutually_exclusive_group()
        clock.add_argument(
            "--skip-time", action="store_true", help="skip sleeps, waits and retry delays"
        )
        clock.add_argument(
            "--speed", type=float, default=1.0, metavar="N", help="pass them N times as fast"
        )
        for option, metavar, text in _PINS:
            parser.add_argument(option, action="append", default=[], metavar=metavar, help=text)
        parser.add_argument(
            "--keep", action="store_true", help="do not remove the Worker at the end"
        )
        parser.add_argument(
            "--json", action="store_true", help="print the run in the format of Cloudflare's API"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            workflow = get_workflow(options["workflow"])
            run = services.start(workflow, _test_input(options), by=command_line_actor())
        except (DeployError, WorkflowNotFound) as error:
            raise CommandError(str(error)) from None
        try:
            self._follow(run, as_json=options["json"])
        finally:
            if not options["keep"]:
                services.remove(run)

    def _follow(self, run: TestRun, *, as_json: bool) -> None:
        """Print each step when its state changes, or the whole run as JSON when it ends."""
        shown: dict[int, str] = {}
        while True:
            progress = progress_of(run)
            if not as_json:
                self._print_changes(progress, shown)
            if progress.is_over:
                break
            time.sleep(_POLL)
        self._conclude(progress, as_json=as_json)

    def _print_changes(self, progress: TestProgress, shown: dict[int, str]) -> None:
        for step in progress.steps:
            line = _describe(step)
            if shown.get(step.number) != line:
                self.stdout.write(line)
            shown[step.number] = line

    def _conclude(self, progress: TestProgress, *, as_json: bool) -> None:
        if progress.problem:
            raise CommandError(progress.problem)
        if as_json:
            self.stdout.write(json.dumps(progress.data, ensure_ascii=False))
        if as_json and (progress.has_stopped or progress.status == "complete"):
            return
        if progress.has_stopped:
            self.stdout.write(f"Stopped after {progress.run.until}.")
            return
        if progress.status != "complete":
            raise CommandError(f"{progress.label}: {progress.error}")
        self.stdout.write(f"Complete: {progress.data.get('output') or 'null'}")


def _describe(step: Step) -> str:
    attempts = f", {len(step.attempts)} attempts" if len(step.attempts) > 1 else ""
    output = str(step.raw.get("output") or "")
    error = step.error or next((each.error for each in reversed(step.attempts) if each.error), "")
    detail = output if step.raw.get("output") else error
    if len(detail) > _LONGEST_OUTPUT:
        detail = f"{detail[:_LONGEST_OUTPUT]}…"
    return f"{step.label}: {step.state.label.lower()}{attempts}" + (f"  {detail}" if detail else "")


def _test_input(options: dict[str, Any]) -> TestInput:
    pins: dict[str, Pin] = {}
    for node, value in _pairs(options["pin"]):
        pins[node] = Pin(output=read_payload_option(value))
    for kind, message in (("fail", DEFAULT_MESSAGE), ("time_out", None)):
        for node, value in _pairs(options[kind]):
            failures = Failures(times=_times(value), message=message)
            before = pins.get(node)
            pins[node] = (
                Pin(output=before.output, failures=failures) if before else Pin(failures=failures)
            )
    return TestInput(
        payload=read_payload_option(options["payload"]),
        pins=pins,
        until=options["until"],
        speed=None if options["skip_time"] else options["speed"],
    )


def _pairs(texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in texts:
        node, _, value = text.partition("=")
        yield node, value


def _times(text: str) -> int | None:
    if not text:
        return None
    if not (_NUMBER.fullmatch(text) and int(text)):
        raise CommandError(f"{text} is not a number of times.")
    return int(text)

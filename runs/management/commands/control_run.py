from __future__ import annotations

from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from audit.trail import command_line_actor
from runs.index.listing import run_as_json
from runs.management.run_command import CommandScope, RunCommand
from runs.models import Run
from runs.services import control
from runs.services.lookup import find_run
from runs.steps.start_points import StartPoint

_NOT_UNDONE: Final = "Changes that the steps made in other systems are not undone."
_WARNINGS: Final = {
    "restart": f"The outputs of its steps will be lost. {_NOT_UNDONE}",
    "terminate": f"It stops immediately and cannot continue. {_NOT_UNDONE}",
    "delete": "The target deletes it with its steps and outputs. Its row stays in the index for a day.",
}


_ROLLS_BACK: Final = (
    "It stops and cannot continue. Then those of its steps that have rollbacks are undone."
)


class Command(RunCommand):
    help = "Pause, resume, restart, terminate or delete a run."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("instance", metavar="INSTANCE", help='the run\'s id, or "latest"')
        parser.add_argument("action", metavar="|".join(control.ACTIONS), choices=control.ACTIONS)
        parser.add_argument(
            "--from",
            dest="from_step",
            default="",
            metavar="STEP",
            help="restart at this step; earlier steps keep their outputs and are not run again. "
            'For a step in a loop, "charge #2" is its second occurrence, unless a step has this name',
        )
        parser.add_argument(
            "--occurrence",
            type=int,
            metavar="N",
            help="restart at the Nth step that has exactly the name given with --from",
        )
        parser.add_argument(
            "--rollback",
            action="store_true",
            help="before a run is terminated, undo its steps with their rollbacks, last one first",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        parser.add_argument("--json", action="store_true", help="print the run as JSON")
        self.add_reason(parser)

    def run(self, scope: CommandScope, options: dict[str, Any]) -> None:
        run, action = find_run(scope.live, options["instance"], scope.name), options["action"]
        rollback = options["rollback"]
        if action in _WARNINGS and not options["yes"]:
            warning = _ROLLS_BACK if rollback else _WARNINGS[action]
            self.confirm(f"{warning}\nType {action} to {action} {run}:", answer=action)
        by, reason = command_line_actor(), options["reason"]
        name, occurrence = options["from_step"], options["occurrence"]
        is_restart = action == "restart"
        point = self._start_point(run, name, occurrence) if is_restart else name
        changed = control.change(
            run, action, by=by, reason=reason, from_step=point, rollback=rollback
        )
        if options["json"]:
            self.print_json(run_as_json(changed))
            return
        now = "deleted" if action == "delete" else changed.status_label.lower()
        self.stdout.write(f"{action}: {changed.instance_id} is {now}")

    def _start_point(self, run: Run, name: str, occurrence: int | None) -> StartPoint | str:
        """Return the step that the options name; "" if they name none."""
        if occurrence is not None and (not name or occurrence < 1):
            raise CommandError("--occurrence must be 1 or more, and requires --from.")
        if not name:
            return ""
        if occurrence is not None:
            return StartPoint(name=name, occurrence=occurrence)
        point = control.start_point(run, name)
        if point.note:
            self.stderr.write(point.note)
        return point

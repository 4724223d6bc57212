from __future__ import annotations

from typing import Any, Final

from django.core.management.base import CommandParser

from audit.trail import command_line_actor
from runs.index.listing import run_as_json
from runs.management.run_command import CommandScope, RunCommand
from runs.services import control
from runs.services.lookup import find_run

_NOT_UNDONE: Final = "Changes that the steps made in other systems are not undone."
_WARNINGS: Final = {
    "restart": f"The outputs of its steps will be lost. {_NOT_UNDONE}",
    "terminate": f"It stops immediately and cannot continue. {_NOT_UNDONE}",
    "delete": "The target deletes it with its steps and outputs. Its row stays in the index for a day.",
}


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
            'For a step in a loop, "charge #2" is its second occurrence',
        )
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        parser.add_argument("--json", action="store_true", help="print the run as JSON")
        self.add_reason(parser)

    def run(self, scope: CommandScope, options: dict[str, Any]) -> None:
        run, action = find_run(scope.live, options["instance"]), options["action"]
        if action in _WARNINGS and not options["yes"]:
            self.confirm(f"{_WARNINGS[action]}\nType {action} to {action} {run}:", answer=action)
        changed = control.change(
            run,
            action,
            by=command_line_actor(),
            reason=options["reason"],
            from_step=options["from_step"],
        )
        if options["json"]:
            self.print_json(run_as_json(changed))
            return
        now = "deleted" if action == "delete" else changed.status_label.lower()
        self.stdout.write(f"{action}: {changed.instance_id} is {now}")

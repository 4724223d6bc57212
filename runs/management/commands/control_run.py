from __future__ import annotations

from typing import Any, Final

from django.core.management.base import CommandParser

from runs.index.row_json import as_json
from runs.management.run_command import Place, RunCommand, me
from runs.services import control
from runs.services.lookup import find

_LOST: Final = {
    "restart": "It begins again: what its steps gave so far is lost, what they did elsewhere stays done.",
    "terminate": "It ends where it is and cannot go on. What its steps did elsewhere stays done.",
    "delete": "The target forgets it with its steps and outputs. Its row stays in the index for a day, as gone.",
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
            help="the name of the step that a restart begins at; those before it are not run again. "
            'Of a step in a loop, "charge #2" is the second time',
        )
        parser.add_argument("--yes", action="store_true", help="do not ask at the terminal")
        parser.add_argument("--json", action="store_true", help="the run as JSON")
        self.add_reason(parser)

    def about(self, place: Place, options: dict[str, Any]) -> None:
        run, action = find(place.live, options["instance"]), options["action"]
        if action in _LOST and not options["yes"]:
            self.ask(f"{_LOST[action]}\nType {action} to {action} {run}:", answer=action)
        changed = control.change(
            run,
            action,
            by=me(),
            reason=options["reason"],
            from_step=options["from_step"],
        )
        if options["json"]:
            self.print_json(as_json(changed))
            return
        now = "deleted" if action == "delete" else changed.status_label.lower()
        self.stdout.write(f"{action}: {changed.instance_id} is {now}")

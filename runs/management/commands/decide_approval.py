from __future__ import annotations

from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from audit.trail import command_line_actor
from runs.index.listing import run_as_json
from runs.management.run_command import CommandScope, RunCommand, read_payload_option
from runs.models import Run
from runs.services import approvals
from runs.services.approvals import CLOSED, Approval, Decision
from runs.services.lookup import find_run

_DECISIONS: Final = {"approve": True, "reject": False}


class Command(RunCommand):
    help = "Decide an approval that a run is waiting for: approve or reject it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("instance", metavar="INSTANCE", help='the run\'s id, or "latest"')
        parser.add_argument("decision", metavar="|".join(_DECISIONS), choices=_DECISIONS)
        parser.add_argument(
            "--title", default="", help="which approval, if the run is waiting for several"
        )
        parser.add_argument(
            "--fields", default="{}", metavar="JSON", help="the values of the form; default: {}"
        )
        parser.add_argument("--comment", default="", metavar="TEXT", help="a comment for the run")
        parser.add_argument("--json", action="store_true", help="print the run as JSON")

    def run(self, scope: CommandScope, options: dict[str, Any]) -> None:
        run = find_run(scope.live, options["instance"], scope.name)
        approval = _chosen(run, options["title"])
        fields = read_payload_option(options["fields"])
        if not isinstance(fields, dict):
            raise CommandError("--fields must be a JSON object with the values by name.")
        is_approved = _DECISIONS[options["decision"]]
        decision = Decision(is_approved=is_approved, fields=fields, comment=options["comment"])
        result = approvals.decide(run, approval.event_type, decision, by=command_line_actor())
        if options["json"]:
            self.print_json(run_as_json(result.run))
            return
        done = "approved" if is_approved else "rejected"
        self.stdout.write(f"{done} {approval.title} in {run.instance_id}")


def _chosen(run: Run, title: str) -> Approval:
    """Return the approval with the title, or the only one. Raises CommandError."""
    found = approvals.open_approvals(run)
    if title:
        found = [approval for approval in found if approval.title == title]
    if not found:
        raise CommandError(CLOSED)
    if len(found) > 1:
        titles = ", ".join(approval.title for approval in found)
        raise CommandError(
            f"The run is waiting for several approvals. Choose one with --title: {titles}"
        )
    return found[0]

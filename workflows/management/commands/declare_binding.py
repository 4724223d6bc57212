from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from workflows.ir.reading.bindings import BindingKind
from workflows.services import WorkflowNotFound, declare_binding, get_workflow, remove_binding


class Command(BaseCommand):
    help = (
        "Declare the kind of a binding in a workflow's env. "
        "The variable NAME_BINDING_ID names its resource."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = [kind.value for kind in BindingKind]
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("kind", metavar="KIND", nargs="?", choices=kinds, help=", ".join(kinds))
        parser.add_argument("--workflow", metavar="ID", required=True)
        parser.add_argument("--remove", action="store_true", help="remove the declaration")

    def handle(self, *_args: Any, **options: Any) -> None:
        name, kind = options["name"], options["kind"]
        if bool(kind) == options["remove"]:
            raise CommandError("Give either a KIND or --remove.")
        by = command_line_actor()
        try:
            workflow = get_workflow(options["workflow"])
            if options["remove"]:
                version = remove_binding(workflow, name, by=by)
            else:
                version = declare_binding(workflow, name, kind, by=by)
        except WorkflowNotFound as error:
            raise CommandError(str(error)) from None
        except ValidationError as invalid:
            raise CommandError(" ".join(invalid.messages)) from None
        state = "no longer declared" if options["remove"] else f"declared as {kind}"
        self.stdout.write(f"{name} is {state} in version {version.number} of {workflow.name}.")

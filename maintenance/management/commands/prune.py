from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.trail import command_line_actor
from maintenance.retention.policies import POLICIES
from maintenance.retention.pruning import count_all, prune_all


class Command(BaseCommand):
    help = (
        "Remove what is older than the retention settings allow. The server does this once a day; "
        "it may keep running."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only print how many rows would be removed"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        is_dry = options["dry_run"]
        counts = count_all() if is_dry else prune_all(by=command_line_actor())
        for policy in POLICIES:
            self.stdout.write(
                f"{policy.name:16}{counts[policy.name]:>12,} {'to remove' if is_dry else 'removed'}"
                f"   {policy.variable}={policy.days}"
            )

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import trail
from audit.encrypted_fields import UnreadableSecret
from audit.key_rotation import EarlierKeyInUse, reencrypt_secrets
from audit.trail import Subject


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret with the first of AWAITSTEP_ENCRYPTION_KEYS, so that the other "
        "keys can be removed. The server may keep running."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            changed = reencrypt_secrets()
        except (UnreadableSecret, EarlierKeyInUse) as error:
            raise CommandError(str(error)) from None
        trail.record(
            "encryption key rotated",
            Subject("installation"),
            by=trail.command_line_actor(),
            secrets=changed,
        )
        self.stdout.write(f"Encrypted {changed} secrets with the first key.")

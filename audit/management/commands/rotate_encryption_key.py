from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.encrypted_fields import UnreadableSecret
from audit.key_rotation import reencrypt_secrets


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret by the first of AWAITSTEP_ENCRYPTION_KEYS, so that the others "
        "can be taken off the list. The server may go on meanwhile."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            changed = reencrypt_secrets()
        except UnreadableSecret as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{changed} secrets are encrypted by the first key.")

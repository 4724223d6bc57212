from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.encrypted_fields import UnreadableSecret
from audit.key_rotation import reencrypt_secrets


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret with the first of AWAITSTEP_ENCRYPTION_KEYS, so that the other "
        "keys can be removed. The server may keep running."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            changed = reencrypt_secrets()
        except UnreadableSecret as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Encrypted {changed} secrets with the first key.")

"""What an installation lacks for production: checks for `manage.py check --deploy`, where Django has none.

A warning is about safety. Information is about what larger or supervised installations need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.fernet import Fernet
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.db import connection
from pydantic import SecretStr

from toolchain import node_tools
from toolchain.commands import INSTALL_TOOLCHAIN

_LOOPBACK: Final = ("127.0.0.1", "[::1]", "localhost")
_FERNET_KEY: Final = (
    'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


class Installation(Protocol):
    """The settings that the checks read."""

    secret_key: SecretStr | None
    encryption_keys: SecretStr | None
    metrics_token: SecretStr | None
    data_dir: Path

    @property
    def production(self) -> bool: ...
    @property
    def uses_https(self) -> bool: ...
    @property
    def offers_local_cloudflare(self) -> bool: ...
    @property
    def hosts(self) -> Sequence[str]: ...
    @property
    def origins(self) -> Sequence[str]: ...
    @property
    def fernet_keys(self) -> Sequence[str]: ...


def check_encryption_keys(**_options: Any) -> list[CheckMessage]:
    """Find keys that cannot be used, before a secret has to be encrypted; also without --deploy."""
    try:
        for key in settings.AWAITSTEP.fernet_keys:
            Fernet(key)
    except ValueError:
        return [
            checks.Error(
                "AWAITSTEP_ENCRYPTION_KEYS contains something that is not a Fernet key.",
                hint=f"Create a key with: {_FERNET_KEY}",
                id="awaitstep.E001",
            )
        ]
    return []


def check_production(**_options: Any) -> list[CheckMessage]:
    """Return what is missing, in the order of CHECKS."""
    return [message for check in CHECKS for message in check(settings.AWAITSTEP)]


def _mode(config: Installation) -> Iterator[CheckMessage]:
    if not config.production:
        yield checks.Warning(
            "AwaitStep runs in development mode.",
            hint="Set AWAITSTEP_MODE=production. It turns HTTPS and secure cookies on, and the embedded "
            "platform off.",
            id="awaitstep.W001",
        )


def _hosts(config: Installation) -> Iterator[CheckMessage]:
    if all(host in _LOOPBACK for host in config.hosts):
        yield checks.Warning(
            "AwaitStep only responds to requests for this machine.",
            hint="Set AWAITSTEP_ALLOWED_HOSTS to the host name in the browser's address bar, such as "
            "deploys.example.com.",
            id="awaitstep.W002",
        )


def _https(config: Installation) -> Iterator[CheckMessage]:
    if not config.uses_https:
        yield checks.Warning(
            "HTTPS is off: passwords and sessions can be intercepted in transit.",
            hint="Put a proxy that terminates TLS in front of AwaitStep, and remove AWAITSTEP_HTTPS=false.",
            id="awaitstep.W003",
        )


def _origins(config: Installation) -> Iterator[CheckMessage]:
    plain = [origin for origin in config.origins if not origin.startswith("https://")]
    if config.uses_https and plain:
        yield checks.Warning(
            f"AWAITSTEP_TRUSTED_ORIGINS contains addresses without HTTPS: {', '.join(plain)}.",
            hint="Use addresses that start with https://, as in the browser's address bar.",
            id="awaitstep.W004",
        )


def _local_cloudflare(config: Installation) -> Iterator[CheckMessage]:
    if config.offers_local_cloudflare:
        yield checks.Warning(
            "The embedded platform is on: everyone who can deploy to it runs code on this machine.",
            hint="Remove AWAITSTEP_LOCAL_CLOUDFLARE, and deploy to a Cloudflare account.",
            id="awaitstep.W005",
        )


def _tools(_config: Installation) -> Iterator[CheckMessage]:
    if node_tools.missing():
        yield checks.Warning(
            "Cloudflare's tools of this version are not installed, so nothing can be deployed.",
            hint=f"Run: {INSTALL_TOOLCHAIN}",
            id="awaitstep.W006",
        )


def _keys(config: Installation) -> Iterator[CheckMessage]:
    missing = {
        "AWAITSTEP_SECRET_KEY": config.secret_key,
        "AWAITSTEP_ENCRYPTION_KEYS": config.encryption_keys,
    }
    names = " and ".join(name for name, value in missing.items() if not value)
    if not names:
        return
    if connection.vendor == "postgresql":
        yield checks.Warning(
            f"{names} must be set if several servers share a database: each host would create keys of "
            "its own, and could not read the secrets and the sessions of the others.",
            hint=f"Set the same keys on all hosts. Create an encryption key with: {_FERNET_KEY}",
            id="awaitstep.W007",
        )
    else:
        yield checks.Info(
            f"Keys were created in {config.data_dir / 'keys'}, because of missing settings: {names}.",
            hint="Back up that folder separately from the database, or set the keys from a secret store.",
            id="awaitstep.I001",
        )


def _metrics(config: Installation) -> Iterator[CheckMessage]:
    if not config.metrics_token:
        yield checks.Info(
            "There are no metrics for Prometheus.",
            hint="Set AWAITSTEP_METRICS_TOKEN to a random string of at least 16 characters.",
            id="awaitstep.I002",
        )


def _database(_config: Installation) -> Iterator[CheckMessage]:
    if connection.vendor == "sqlite":
        yield checks.Info(
            "The database is a SQLite file, which serves one host.",
            hint="For servers on several hosts, set DATABASE_URL to a PostgreSQL database.",
            id="awaitstep.I003",
        )


CHECKS: Final[tuple[Callable[[Installation], Iterator[CheckMessage]], ...]] = (
    _mode,
    _hosts,
    _https,
    _origins,
    _local_cloudflare,
    _tools,
    _keys,
    _metrics,
    _database,
)

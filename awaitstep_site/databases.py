"""The database: a SQLite file in the data directory, or PostgreSQL at DATABASE_URL."""

from __future__ import annotations

from typing import Any, Final

import dj_database_url

from awaitstep_site.env import Environment

_WAIT: Final = 20  # seconds that a statement waits for a lock of another transaction


def database(environment: Environment) -> dict[str, Any]:
    """Return Django's settings of the database."""
    if environment.database_url:
        return _postgresql(environment.database_url.get_secret_value())
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": environment.folder / "db.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": _WAIT,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        # A file, because an in-memory database would hide the locking between threads.
        "TEST": {"NAME": environment.folder / "test.sqlite3"},
    }


def _postgresql(url: str) -> dict[str, Any]:
    """Return the settings of a connection that notices soon when the server has gone.

    Connections are not kept between requests: each thread would keep one for as long as it lives.
    """
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=0))
    defaults = {
        "application_name": "awaitstep",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,  # milliseconds
        "options": f"-c lock_timeout={_WAIT}s",
    }
    config["OPTIONS"] = defaults | config.get("OPTIONS", {})
    return config

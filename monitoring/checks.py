"""What must be true before the server gets requests, one function for each check.

A check returns a sentence about what it has found, or raises NotReady with the reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.template.defaultfilters import filesizeformat, pluralize

from deployments.queue.backlog import backlog
from deployments.queue.sweeper import seconds_since_sweep
from toolchain import node_tools
from toolchain.commands import INSTALL_TOOLCHAIN, command

MIN_FREE_BYTES: Final = 200 * 1024 * 1024
LONGEST_SWEEP: Final = 300.0  # seconds; a sweep may call a target
_PLATFORM_SECONDS: Final = 1.5
_PLATFORM_PATH: Final = "/client/v4/user/tokens/verify"
_SERVER_ERROR: Final = 500

Check = Callable[[], str]


class NotReady(Exception):
    """The check has failed; the message is shown to staff only."""


def checks() -> Mapping[str, Check]:
    """Return the checks of this installation by name."""
    platform = {"platform": check_platform} if settings.AWAITSTEP.offers_local_cloudflare else {}
    return {
        "database": check_database,
        "migrations": check_migrations,
        "toolchain": check_toolchain,
        **platform,
        "queue": check_queue,
        "disk": check_disk,
    }


def check_database() -> str:
    """Run a query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "The database responds."


def check_migrations() -> str:
    """Compare the database with the migrations of this version."""
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        verb = "is" if missing == 1 else "are"
        raise NotReady(
            f"{missing} migration{pluralize(missing)} {verb} not applied: run {command('migrate')}."
        )
    return "All migrations are applied."


def check_toolchain() -> str:
    """Look for wrangler, the compiler and Node.js."""
    if node_tools.missing():
        raise NotReady(f"Cloudflare's tools are not installed: run `{INSTALL_TOOLCHAIN}`.")
    return "Cloudflare's tools are installed."


def check_platform() -> str:
    """Send a request to the embedded platform, which any response answers."""
    port = settings.AWAITSTEP.local_cloudflare_port
    connected = HTTPConnection("127.0.0.1", port, timeout=_PLATFORM_SECONDS)
    try:
        connected.request("GET", _PLATFORM_PATH)
        status = connected.getresponse().status
    except (OSError, HTTPException):
        raise NotReady(f"The embedded platform does not respond on port {port}.") from None
    finally:
        connected.close()
    if status >= _SERVER_ERROR:
        raise NotReady(f"The embedded platform responds with status {status}.")
    return "The embedded platform responds."


def check_queue() -> str:
    """Check that this process sweeps, and that some process is working on what is waiting.

    If only workers do that, a web server is ready without them: its pages still show and cancel.
    """
    since = seconds_since_sweep()
    if since is not None and since > LONGEST_SWEEP:
        raise NotReady(f"The sweeper of this process has not run for {since:.0f} s.")
    found = backlog()
    counts = f"Deployments: {found.waiting} waiting, {found.running} running."
    if not found.is_stalled:
        return counts
    stalled = (
        f"A deployment has been waiting for {found.oldest_seconds:.0f} s, and no process is working on "
        "the queue."
    )
    if settings.AWAITSTEP.tasks == "web":
        raise NotReady(stalled)
    return f"{counts} {stalled} Start a worker."


def check_disk() -> str:
    """Check that the data directory has room for a deploy."""
    free = shutil.disk_usage(settings.AWAITSTEP.data_dir).free
    text = f"{filesizeformat(free)} are free."
    if free < MIN_FREE_BYTES:
        raise NotReady(f"{text} AwaitStep needs {filesizeformat(MIN_FREE_BYTES)}.")
    return text

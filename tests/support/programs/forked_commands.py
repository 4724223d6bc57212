"""Run management commands in forks of a process that has loaded Django.

Loading Django takes a second of CPU time, and the tests run hundreds of commands. Each line of
standard input is a command as JSON: its arguments, and the files for its input, output and errors.
The reply is a line with its exit code.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

import django
from cloudflare import Cloudflare
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, SystemCheckError

from tests.support import warm_wrangler

# A quarter of a second in each fork that deploys; the SDK imports them when they are first used.
SDK_PARTS = ("accounts", "kv", "queues", "user", "workers", "workflows", "zones")
OWN_APPS = ("audit", "deployments", "runs", "targets", "workflows")


def main() -> None:
    warm_wrangler.use()
    PBKDF2PasswordHasher.iterations = 1  # like the servers of the tests
    django.setup()
    import_module(settings.ROOT_URLCONF)
    for name, app in get_commands().items():
        if app in OWN_APPS:
            load_command_class(app, name)
    check_once()
    load_sdk()
    gc.freeze()  # keeps the collector from touching, and so copying, shared pages in each fork
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            exit_quickly(run_command, request)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the reply


def check_once() -> None:
    """Run Django's system checks here, not before each command; if one fails, each command reports it."""
    with suppress(SystemCheckError):
        BaseCommand().check()
        BaseCommand.requires_system_checks = []


def load_sdk() -> None:
    """Import what the SDK imports with its first client and its first call."""
    with Cloudflare(api_token="unused") as client:
        for part in SDK_PARTS:
            getattr(client, part)
    for name in ("httpcore", "deployments.queue.claims", "deployments.queue.recovery"):
        import_module(name)


def exit_quickly(work: Callable[[dict[str, str]], None], request: dict[str, str]) -> None:
    """End like any other program, but leave the objects alone: deleting them would copy every shared page."""
    code: object = 1
    try:
        work(request)
        code = 0
    except SystemExit as error:
        code = error.code or 0
    except BaseException:  # noqa: BLE001 - what the interpreter does
        traceback.print_exc()
    finally:
        if not isinstance(code, int):
            print(code, file=sys.stderr)  # noqa: T201 - what the interpreter does
        threading._shutdown()  # type: ignore[attr-defined] # waits for threads
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def run_command(request: dict[str, str]) -> None:
    """Turn this process into the command."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, stream, mode in (
        (0, "stdin", os.O_RDONLY),
        (1, "stdout", flags),
        (2, "stderr", flags),
    ):
        descriptor = os.open(request[stream], mode, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the process exits
    sys.argv = ["manage.py", *request["arguments"]]
    runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    main()

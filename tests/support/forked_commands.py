"""Runs management commands in processes forked from one in which Django is ready.

Starting Django takes a second of a processor, and the tests run hundreds of commands. Standard
input has a line of JSON for each: its arguments, and the files of its input, output and errors.
The answer to each is a line with its exit code.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import sys
from importlib import import_module

import django
from django.conf import settings
from django.core.management import get_commands, load_command_class

OURS = ("audit", "deployments", "runs", "targets", "workflows")


def main() -> None:
    django.setup()
    import_module(settings.ROOT_URLCONF)
    for name, app in get_commands().items():
        if app in OURS:
            load_command_class(app, name)
    gc.freeze()  # what is there is not looked through, and so not copied, in each process
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become(asked)
            return
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


def become(asked: dict[str, str]) -> None:
    """Be the command: what it raises ends this process as it ends any other."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, file, how in (
        (0, "stdin", os.O_RDONLY),
        (1, "stdout", flags),
        (2, "stderr", flags),
    ):
        opened = os.open(asked[file], how, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for its life
    sys.argv = ["manage.py", *asked["arguments"]]
    runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    main()

"""Run a management command once for each stage, and kill it with SIGKILL as soon as the stage's row is stored.

`python -m tests.support.programs.killed_commands STAGE,STAGE... COMMAND ...` prints the exit codes as JSON. Each command
runs in a fork, so that Django is loaded once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import django
from django.core.management import call_command

from tests.support.programs.forked_commands import load_sdk


def main(stages: str, *command: str) -> None:
    django.setup()
    load_sdk()
    codes = [_killed_at(stage, command) for stage in stages.split(",")]
    print(json.dumps(codes))  # noqa: T201 - the result


def _killed_at(stage: str, command: tuple[str, ...]) -> int:
    child = os.fork()
    if child == 0:
        _kill_at(stage)
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - open until the process is killed
        call_command(*command)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _kill_at(last: str) -> None:
    from deployments.queue import transitions

    enter = transitions.enter

    def enter_and_die(pk: int, token: Any, *, stage: Any, **more: Any) -> None:
        enter(pk, token, stage=stage, **more)
        if stage == last:
            os.kill(os.getpid(), signal.SIGKILL)

    transitions.enter = enter_and_die


if __name__ == "__main__":
    main(*sys.argv[1:])

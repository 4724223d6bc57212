"""The process behind `bounded_calls`: reads one call per line, and is killed if a call takes too long."""

from __future__ import annotations

import json
import resource
import signal
import sys
from importlib import import_module
from typing import Any, Final

_MEMORY: Final = 2 * 1024**3  # bytes of address space


def main() -> None:
    """Answer each line of standard input with a line of standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for line in iter(sys.stdin.readline, ""):
        print(json.dumps(_reply(json.loads(line))), flush=True)  # noqa: T201 - the reply


def _reply(request: dict[str, Any]) -> dict[str, Any]:
    """Call the function; the timer counts CPU time, and its signal is not handled, so it kills the process."""
    module, name = request["function"].split(":")
    function = getattr(import_module(module), name)
    signal.setitimer(signal.ITIMER_PROF, request["seconds"])
    try:
        return {"result": function(*request["arguments"])}
    except Exception as error:  # noqa: BLE001 - the caller raises it
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()

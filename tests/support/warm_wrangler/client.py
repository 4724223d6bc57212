"""The stand-in for Node: sends wrangler's command line to a warm host, and waits for one that starts.

Anything else, a command while the host is busy, and one with less memory than commands usually have,
is executed with the real Node. A host has no limit: the modules of all of its commands stay in memory.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import socket
import sys
import time

ACCEPT_SECONDS = 10
READ_INPUT = {"put", "bulk"}  # commands for secrets; a host has no standard input
HOST_SOCKET, NODE, WRANGLER, USUAL_LIMIT = sys.argv[1:5]


def main(arguments: list[str]) -> None:
    is_hosted = (
        arguments[0] == WRANGLER and not READ_INPUT & set(arguments) and not _has_less_memory()
    )
    deadline = time.monotonic() + ACCEPT_SECONDS
    while is_hosted and os.path.exists(f"{HOST_SOCKET}.used") and time.monotonic() < deadline:  # noqa: PTH110
        if _send(arguments[1:]) == b"busy\n":
            break
        time.sleep(0.05)
    os.execv(NODE, [NODE, *arguments])  # noqa: S606 - a list of arguments, no shell


def _has_less_memory() -> bool:
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return limit != resource.RLIM_INFINITY and limit < int(USUAL_LIMIT)


def _send(arguments: list[str]) -> bytes:
    """Exit with the command's exit code; if the host does not accept the command, return its reply."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ACCEPT_SECONDS)
        try:
            connection.connect(HOST_SOCKET)
            request = {"argv": arguments, "env": dict(os.environ), "cwd": os.getcwd()}  # noqa: PTH109
            connection.sendall(json.dumps(request).encode() + b"\n")
            replies = connection.makefile("rb")
            reply = replies.readline()
        except OSError:  # the host is starting or ending
            return b""
        if reply != b"accepted\n":
            return reply
        connection.settimeout(None)
        code: int | str = "the host of wrangler ended in the middle of a command"
        for line in replies:
            reply = json.loads(line)
            code = reply.get("exit", code)
            for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
                if name in reply:
                    stream.buffer.write(base64.b64decode(reply[name]))
                    stream.flush()
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[5:])

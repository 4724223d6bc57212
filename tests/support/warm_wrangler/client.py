"""The stand-in for Node: sends wrangler's command line to a warm host.

Anything else, and any command for which no host is free, is executed with the real Node.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import sys

ACCEPTED = b"accepted\n"
ACCEPT_SECONDS = 5
READ_INPUT = {"put", "bulk"}  # commands for secrets; a host has no standard input
HOST_SOCKET, NODE, WRANGLER = sys.argv[1:4]


def main(arguments: list[str]) -> None:
    if arguments[0] == WRANGLER and not READ_INPUT & set(arguments):
        _send(arguments[1:])
    os.execv(NODE, [NODE, *arguments])  # noqa: S606 - a list of arguments, no shell


def _send(arguments: list[str]) -> None:
    """Exit with the command's exit code; return if no host accepts it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ACCEPT_SECONDS)
        try:
            connection.connect(HOST_SOCKET)
            request = {"argv": arguments, "env": dict(os.environ), "cwd": os.getcwd()}  # noqa: PTH109
            connection.sendall(json.dumps(request).encode() + b"\n")
            is_accepted = connection.recv(len(ACCEPTED)) == ACCEPTED
        except OSError:  # the host is starting or ending
            return
        if not is_accepted:
            return
        connection.settimeout(None)
        for line in connection.makefile("rb"):
            reply = json.loads(line)
            if "exit" in reply:
                sys.exit(reply["exit"])
            for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
                if name in reply:
                    stream.buffer.write(base64.b64decode(reply[name]))
                    stream.flush()
    sys.exit("the host of wrangler ended in the middle of a command")


if __name__ == "__main__":
    main(sys.argv[4:])

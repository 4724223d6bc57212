"""wrangler for the tests: the real one, in a process that has already loaded it.

A whole run starts wrangler some hundred times, and loading it takes most of each deploy. So the tests
put a small program in place of Node, `client.py`, which sends wrangler's command lines to `host.cjs`.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from toolchain import node_tools

VARIABLE = "WARM_WRANGLER_FOLDER"
_HERE = Path(__file__).parent
_NODE = node_tools.NODE
_CLIENT = """#!{python} -IS
import sys
sys.argv[1:1] = {arguments!r}
exec(compile(open({client!r}).read(), {client!r}, "exec"))
"""


def prepare(folder: Path) -> None:
    """Write the client into the folder, for this process and the programs that it starts."""
    os.environ[VARIABLE] = str(folder)
    client = folder / "node"
    program = (socket_in(folder), _NODE, node_tools.WRANGLER, node_tools.DATA_LIMIT)
    arguments = [str(part) for part in program]
    script = _CLIENT.format(
        python=sys.executable, arguments=arguments, client=str(_HERE / "client.py")
    )
    client.write_text(script, encoding="utf-8")
    client.chmod(client.stat().st_mode | stat.S_IXUSR)


def use() -> None:
    """Put the client in place of Node; call it before other modules import Node's path."""
    if folder := os.environ.get(VARIABLE):
        node_tools.NODE = Path(folder) / "node"


def socket_in(folder: Path) -> Path:
    return folder / "wrangler.sock"


def mark_used(folder: Path) -> None:
    """Let clients wait for a host that is starting; without the mark, they load wrangler."""
    Path(f"{socket_in(folder)}.used").touch()


def host_command(folder: Path) -> list[str | Path]:
    """Return the command that runs one host after the other."""
    return [
        sys.executable,
        "-IS",
        _HERE / "supervisor.py",
        _NODE,
        _HERE / "host.cjs",
        socket_in(folder),
        node_tools.WRANGLER,
    ]

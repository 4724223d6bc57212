"""How the platform recognizes, measures and kills its processes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.local_cloudflare.support.node_modules import in_node

SLEEPER = """
const { spawn } = await import("node:child_process");
const fs = await import("node:fs");
const sleeper = spawn("/bin/sleep", ["3600"]);
const exited = new Promise((resolve) => sleeper.once("exit", (code, signal) => resolve(signal)));
const stat = fs.readFileSync(`/proc/${sleeper.pid}/stat`, "utf8");
fs.writeFileSync("pid", `${sleeper.pid}\\n${stat}`);
"""


def test_a_killed_process_may_be_replaced_while_the_kill_is_awaited(tmp_path: Path) -> None:
    program = f"""{SLEEPER}
    const killed = module.killByPidFile("pid");
    module.writePidFile("pid");
    await killed;
    console.log(JSON.stringify([await exited, module.runningPid("pid") === process.pid]));"""

    assert in_node(tmp_path, "system/processes.ts", program) == ["SIGKILL", True]


def test_the_file_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    program = f"""{SLEEPER}
    await module.killByPidFile("pid");
    console.log(JSON.stringify([await exited, fs.existsSync("pid")]));"""

    assert in_node(tmp_path, "system/processes.ts", program) == ["SIGKILL", False]


@pytest.mark.skipif(shutil.which("ps") is None, reason="only other systems than Linux need it")
def test_cpu_time_can_be_read_with_ps(tmp_path: Path) -> None:
    program = """
    const before = performance.now();
    while (performance.now() - before < 20) {}
    const { pid } = process;
    console.log(JSON.stringify([module.cpuMilliseconds(pid) > 0, module.readPsTime(pid) >= 0,
      module.cpuMilliseconds(0) ?? null]));"""

    assert in_node(tmp_path, "system/processes.ts", program) == [True, True, None]

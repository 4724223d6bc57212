"""Run management commands: one at a time through tests/support/programs/forked_commands.py, others in a new process."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

from tests.support.examples import examples

TIMEOUT = examples(150, 900)  # seconds; the long tests have large documents

Done = subprocess.CompletedProcess[str]


class Commands:
    """Starts the forking process on first use, and again when the environment changes."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._lock = Lock()
        self._forking: subprocess.Popen[str] | None = None
        self._env: dict[str, str] = {}
        self._end: weakref.finalize[..., Commands] | None = None

    def run(self, env: Mapping[str, str], arguments: Sequence[str], stdin: str) -> Done:
        """Return the exit code and the output; raises TimeoutExpired."""
        if not self._lock.acquire(blocking=False):  # a test runs two in parallel
            return self._run(env, arguments, stdin)
        try:
            return self._fork(dict(env), arguments, stdin)
        finally:
            self._lock.release()

    def stop(self) -> None:
        if self._end:
            self._end()
        self._forking = None

    def _fork(self, env: dict[str, str], arguments: Sequence[str], stdin: str) -> Done:
        forking = self._started(env)
        with tempfile.TemporaryDirectory() as folder:
            files = {name: Path(folder) / name for name in ("stdin", "stdout", "stderr")}
            files["stdin"].write_text(stdin, encoding="utf-8")
            request = {"arguments": arguments} | {name: str(file) for name, file in files.items()}
            assert forking.stdin
            assert forking.stdout
            print(json.dumps(request), file=forking.stdin, flush=True)
            ready, _, _ = select.select([forking.stdout], [], [], TIMEOUT)
            if not ready:
                self.stop()
                raise subprocess.TimeoutExpired(list(arguments), TIMEOUT)
            code = int(forking.stdout.readline())
            out, err = (files[name].read_text(encoding="utf-8") for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(list(arguments), code, out, err)

    def _started(self, env: dict[str, str]) -> subprocess.Popen[str]:
        if self._forking is not None and self._env == env:
            return self._forking
        self.stop()
        self._env = env
        self._forking = subprocess.Popen(
            [sys.executable, "-m", "tests.support.programs.forked_commands"],
            cwd=self._project,
            env={"DJANGO_SETTINGS_MODULE": "awaitstep_site.settings"} | env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._end = weakref.finalize(self, _end, self._forking)
        return self._forking

    def _run(self, env: Mapping[str, str], arguments: Sequence[str], stdin: str) -> Done:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self._project,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )


def _end(forking: subprocess.Popen[str]) -> None:
    os.killpg(forking.pid, signal.SIGKILL)
    forking.communicate()

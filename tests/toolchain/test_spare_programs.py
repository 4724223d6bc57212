from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.support.installation import PROJECT
from tests.support.patience import PATIENCE
from tests.support.programs.processes import is_running
from tests.targets.cloudflare.accounts import wait_until
from toolchain import process, spare_programs
from toolchain.process import ProgramResult, ProgramStopped, ProgramTimeout
from toolchain.spare_programs import Spares

SECRET = "an-account-token"
WAITS = 'typeof vitest === "undefined" && require.main === module'
# Like wrangler: it loads, and then its last statement decides whether to run the command line.
PROGRAM = """
const fs = require("node:fs");
const atStart = { argv: process.argv.slice(2), token: process.env.TOKEN };
if (%s) {
  const limit = fs.readFileSync("/proc/self/limits", "utf8").match(/Max data size.*/)[0];
  console.error("an error");
  console.log(JSON.stringify({
    argv: process.argv, execArgv: process.execArgv, cwd: process.cwd(), env: process.env,
    input: fs.readFileSync(0, "utf8"), globals: Object.getOwnPropertyNames(globalThis), limit, atStart,
  }));
  if (process.argv[2] === "hang") {
    const child = require("node:child_process").spawn("sleep", ["600"]);
    fs.writeFileSync("child.pid", String(child.pid));
    setInterval(() => {}, 1000);
  } else process.exitCode = 3;
}
"""


class Workshop:
    """A program with one spare, and a folder in which it is used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "program.cjs"
        self.program.write_text(PROGRAM % WAITS)
        self.all_spares: list[Spares] = []
        self.spares = self.with_limit(1)
        self.started: list[int] = []

    def with_limit(self, limit: int, *, idle_seconds: float = 60) -> Spares:
        env = process.environment(home=self.folder, PLACE="spare", LEFT="out")
        self.all_spares.append(Spares(limit, self.program, env=env, idle_seconds=idle_seconds))
        return self.all_spares[-1]

    def prepared(self) -> psutil.Process:
        """Return a spare, which may still be loading."""
        return prepared(self.spares)

    def run(
        self,
        *argv: str,
        spares: Spares | None = None,
        timeout: float = PATIENCE,
        refill: bool = False,
    ) -> ProgramResult:
        return (spares or self.spares).run(
            argv or ["deploy"],
            cwd=self.folder,
            env=process.environment(home=self.folder, PLACE="order", TOKEN=SECRET),
            timeout=timeout,
            on_start=self.started.append,
            refill=refill,
        )

    def child(self) -> psutil.Process:
        """Return what the program has started."""
        wait_until(lambda: bool(read(self.folder / "child.pid")))
        return psutil.Process(int(read(self.folder / "child.pid")))


def prepared(spares: Spares) -> psutil.Process:
    spares.prepare()
    wait_until(lambda: bool(spares.waiting))
    return psutil.Process(spares.waiting[0])


class Killing(list[int]):
    """Kills the process whose id is first appended."""

    def append(self, pid: int) -> None:
        if not self:
            psutil.Process(pid).kill()
        super().append(pid)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path)
    yield workshop
    for spares in workshop.all_spares:
        spares.end()


def test_a_spare_runs_like_a_program_that_is_started(shop: Workshop) -> None:
    spare = shop.prepared()

    warm, cold = shop.run(), shop.run()

    assert shop.started[0] == spare.pid != shop.started[1]
    assert (warm.exit_code, warm.stderr) == (cold.exit_code, cold.stderr) == (3, "an error\n")
    spares_view, usual_view = json.loads(warm.stdout), json.loads(cold.stdout)
    assert usual_view.pop("atStart") == {"argv": ["deploy"], "token": SECRET}
    assert spares_view.pop("atStart") == {"argv": []}
    assert spares_view == usual_view
    assert "LEFT" not in usual_view["env"]


def test_neither_a_waiting_spare_nor_a_used_one_shows_a_secret(shop: Workshop) -> None:
    spare, stop = shop.prepared(), threading.Event()
    seen = [spare.environ(), spare.cmdline()]

    def run_until_stopped() -> None:
        with process.stopped_by(stop):
            shop.run("hang")

    with ThreadPoolExecutor() as pool:
        running = pool.submit(run_until_stopped)
        child = shop.child()
        seen += [spare.environ(), spare.cmdline()]
        stop.set()
        with pytest.raises(ProgramStopped):
            running.result()

    assert SECRET not in str(seen)
    assert not is_running(spare)
    assert not is_running(child)


def test_a_spare_has_the_time_limit_of_its_program(shop: Workshop) -> None:
    spare = shop.prepared()

    with pytest.raises(ProgramTimeout):
        shop.run("hang", timeout=0.5)

    assert not is_running(spare)


def test_a_spare_that_has_ended_is_replaced_by_a_new_process(shop: Workshop) -> None:
    spare = shop.prepared()
    spare.kill()

    assert shop.run().exit_code == 3


def test_a_spare_that_ends_before_its_order_is_replaced(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    spare = shop.prepared()
    shop.started = Killing()

    assert shop.run().exit_code == 3
    assert shop.started == [spare.pid, shop.started[1]]
    assert f"the spare process {spare.pid} is not used: it has ended" in caplog.text


def test_a_spare_that_does_not_respond_is_replaced(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spare_programs, "_PATIENCE", 0.1)
    spare = shop.prepared()
    spare.suspend()

    assert shop.run().exit_code == 3
    assert not is_running(spare)
    assert "it did not respond in time" in caplog.text


def test_a_program_that_does_not_wait_is_run_as_usual(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.program.write_text("console.log(process.argv[2])")
    shop.prepared()

    assert shop.run().stdout == "deploy\n"
    assert "is not used" in caplog.text


def test_a_spare_of_a_replaced_program_is_not_used(shop: Workshop) -> None:
    spare = shop.prepared()
    shop.program.write_text(PROGRAM.replace("an error", "a new error") % WAITS)

    assert shop.run().stderr == "a new error\n"
    assert not is_running(spare)


def test_a_spare_with_other_network_settings_is_not_used(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = shop.prepared()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com")

    assert shop.run().exit_code == 3
    assert spare.pid not in shop.started
    assert is_running(spare)


def test_a_spare_may_know_certificates_that_its_order_does_not_use(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/certificates.pem")
    spares = shop.with_limit(1)
    spare = prepared(spares)
    monkeypatch.delenv("SSL_CERT_FILE")

    assert shop.run(spares=spares).exit_code == 3
    assert shop.started == [spare.pid]


def test_a_used_spare_is_replaced_if_the_program_is_soon_used_again(shop: Workshop) -> None:
    unused = shop.with_limit(1)
    shop.prepared()

    shop.run(refill=True)
    shop.run(refill=True, spares=unused)

    wait_until(lambda: bool(shop.spares.waiting))
    assert unused.waiting == []


def test_with_a_limit_of_0_nothing_is_started(shop: Workshop) -> None:
    threads = threading.active_count()
    none = shop.with_limit(0)
    none.prepare()

    assert shop.run(spares=none).exit_code == 3
    assert none.waiting == []
    assert threading.active_count() == threads


def test_a_spare_ends_when_it_is_not_used_for_a_while(shop: Workshop) -> None:
    spares = shop.with_limit(2, idle_seconds=0.5)
    spare = prepared(spares)

    spare.wait(60)
    wait_until(lambda: spares.waiting == [])


OWNER = """
import sys, time
from pathlib import Path
from toolchain import process
from toolchain.spare_programs import Spares
if sys.argv[2] == "by its input":
    process._LIBC = None
spares = Spares(1, Path(sys.argv[1]), env=process.environment(home=Path("/")))
spares.prepare()
while not spares.waiting:
    time.sleep(0.02)
print(spares.waiting[0], flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("how", ["by the kernel", "by its input"])
def test_a_spare_ends_with_its_owner(shop: Workshop, how: str, number: int) -> None:
    command = [sys.executable, "-c", OWNER, str(shop.program), how]
    owner = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
    assert owner.stdout
    spare = psutil.Process(int(owner.stdout.readline()))

    owner.send_signal(number)
    owner.communicate()

    wait_until(lambda: not is_running(spare))

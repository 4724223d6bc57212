"""What survives the end of a process, whether it was stopped or killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.local_cloudflare.support.workers import (
    HELLO,
    WORKFLOW,
    deploy_version,
    deploy_worker,
    deploy_workflow,
    describe_run,
    group_pid,
    live_version,
    locked_run,
    pid_file,
    start_run,
    wait_for,
    wait_for_log,
    wait_for_output,
    wait_for_status,
    wait_for_steps,
    wait_until,
)
from tests.local_cloudflare.support.zones import (
    create_route,
    create_zone,
    fetch_host,
    route_patterns,
)
from tests.support.platform_fixture import Platform, start_platform
from tests.support.programs.processes import is_running
from toolchain.embedded_platform import PlatformFailed

Start = Callable[..., Platform]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start platforms on one data directory, one after the other."""
    started: list[Platform] = []

    def start_next(**environment: str) -> Platform:
        started.append(start_platform(tmp_path, environment=environment))
        return started[-1]

    yield start_next
    for platform in started:
        platform.running.stop()


NAP = timedelta(seconds=10)

# The first attempt of its first step never ends.
SLOW_FIRST = WORKFLOW.replace(
    "async () => ({ at: Date.now() })",
    "async (ctx) => { await scheduler.wait(ctx.attempt === 1 ? 9e5 : 1); return ctx.attempt; }",
)

LOGS = "async (ctx) => { console.log(`attempt ${ctx.attempt}`);"

# Each invocation of its code starts another sleep, of half the nap's length.
NAPPING = WORKFLOW.replace(
    'step.sleep("nap", sleep)',
    'Promise.all([step.sleep("nap", sleep), step.sleep(`half from ${Date.now()}`, sleep / 2)])',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """Runs that were interrupted when their platform was killed, and the platform started afterwards."""

    platform: Platform
    folder: Path
    zone: str
    runs: Mapping[str, str]
    nap_before: Any

    def wait_for_output(self, run: str) -> Any:
        return wait_for_output(self.platform, workflow_of(run), self.runs[run])

    def describe(self, run: str) -> Any:
        return describe_run(self.platform, workflow_of(run), self.runs[run])


def workflow_of(run: str) -> str:
    return run if run in {"middle", "nap", "pausing"} else "kept"


@pytest.fixture(scope="module")
def survivors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survivors]:
    folder = tmp_path_factory.mktemp("survivors")
    before = start_platform(folder)
    deploy_workflow(before, "kept")
    deploy_workflow(before, "middle", SLOW_FIRST)
    deploy_workflow(before, "nap", NAPPING)
    zone = routed_zone(before)
    deploy_rolled_back(before)
    runs, nap = interrupted_runs(before)
    before.kill()
    wait_until(lambda: datetime.now(UTC) > nap.steps[1].start + NAP / 2)
    platform = start_platform(folder)
    yield Survivors(platform=platform, folder=folder, zone=zone, runs=runs, nap_before=nap)
    platform.running.stop()


def routed_zone(platform: Platform) -> str:
    """Route a zone to a Worker; return the zone's id."""
    deploy_worker(platform, "routed", HELLO)
    zone = create_zone(platform, "kept.example")
    create_route(platform, zone, "kept.example/*", "routed")
    return zone


def deploy_rolled_back(platform: Platform) -> None:
    """Deploy two versions of a Worker with different secrets, and make the older one live."""
    code = "export default { fetch: (request, env) => new Response(env.KEY) }"
    deploy_worker(platform, "rolled", code, {"type": "secret_text", "name": "KEY", "text": "old"})
    first = live_version(platform, "rolled")
    deploy_worker(platform, "rolled", code, {"type": "secret_text", "name": "KEY", "text": "new"})
    deploy_version(platform, "rolled", first, "?force=true")


def interrupted_runs(platform: Platform) -> tuple[dict[str, str], Any]:
    """Start runs, and wait until each has reached its step; return their ids and describe the nap."""
    paused = start_run(platform, "kept", sleep="1 hour")
    change_status(platform, "kept", paused, "pause")
    wait_for_status(platform, "kept", paused, "paused")
    runs = {
        "paused": paused,
        "wait": start_run(platform, "kept", wait=True),
        "middle": start_run(platform, "middle"),
        "retry": start_run(platform, "kept", fails=3000),
    }
    for run, steps in {"wait": 2, "middle": 1, "retry": 2}.items():
        wait_for_steps(platform, workflow_of(run), runs[run], steps)
    deploy_workflow(platform, "pausing", SLOW_FIRST)
    runs["pausing"] = start_run(platform, "pausing")
    wait_for_steps(platform, "pausing", runs["pausing"], 1)
    change_status(platform, "pausing", runs["pausing"], "pause")
    wait_for_status(platform, "pausing", runs["pausing"], "waitingForPause")
    runs["nap"] = start_run(platform, "nap", sleep=NAP // timedelta(milliseconds=1))
    wait_for_steps(platform, "nap", runs["nap"], 3)
    return runs, describe_run(platform, "nap", runs["nap"])


def change_status(platform: Platform, workflow: str, instance: str, status: str) -> None:
    path = f"workflows/{workflow}/instances/{instance}/status"
    assert platform.api("PATCH", path, json={"status": status}).status_code == 200


def test_a_waiting_run_receives_an_event_after_the_kill(survivors: Survivors) -> None:
    path = f"workflows/kept/instances/{survivors.runs['wait']}/events/call"

    assert survivors.platform.api("POST", path, json={"again": True}).status_code == 200

    assert survivors.wait_for_output("wait")["received"] == {"again": True}


def test_a_run_that_waits_for_a_retry_continues(survivors: Survivors) -> None:
    assert survivors.wait_for_output("retry")["second"] == {"attempt": 2}


def test_a_sleep_ends_at_its_original_time_and_no_finished_step_runs_again(
    survivors: Survivors,
) -> None:
    """The restart comes after half of the nap, and starts another sleep of half its length."""
    survivors.wait_for_output("nap")

    first, nap, _, half_from_restart, _ = survivors.describe("nap").steps
    first_before, nap_before, _ = survivors.nap_before.steps

    assert first == first_before
    assert half_from_restart.start >= nap_before.start + NAP / 2
    assert nap_before.end <= nap.end <= half_from_restart.end


def test_an_interrupted_step_is_retried(survivors: Survivors) -> None:
    assert survivors.wait_for_output("middle")["first"] == 2


def test_a_paused_run_stays_paused_until_it_is_resumed(survivors: Survivors) -> None:
    assert survivors.describe("paused").status == "paused"

    change_status(survivors.platform, "kept", survivors.runs["paused"], "resume")

    wait_for(lambda: survivors.describe("paused").status, "waiting")


def test_a_run_that_waits_for_its_pause_is_paused_after_the_kill(survivors: Survivors) -> None:
    instance = survivors.runs["pausing"]
    wait_for_status(survivors.platform, "pausing", instance, "paused")

    change_status(survivors.platform, "pausing", instance, "resume")

    assert survivors.wait_for_output("pausing")["first"] == 2


def test_many_runs_continue_after_a_kill(start: Start) -> None:
    before = start()
    deploy_workflow(before, "many")
    batch = [{"params": {"sleep": 3000}} for _ in range(100)]
    before.api("POST", "workflows/many/instances/batch", json=batch)
    before.kill()

    platform = start()

    path = "workflows/many"
    wait_for(lambda: platform.api("GET", path).json()["result"]["instances"]["complete"], 100)


def test_a_killed_workerd_is_restarted_with_its_runs(start: Start) -> None:
    platform = start()
    deploy_workflow(platform, "crashed")
    instance = start_run(platform, "crashed", wait=True)
    wait_for_status(platform, "crashed", instance, "waiting")

    os.kill(group_pid(platform, "worker-crashed"), signal.SIGKILL)

    path = f"workflows/crashed/instances/{instance}/events/call"
    wait_for(lambda: platform.api("POST", path, json=1).status_code, 200)
    wait_for_output(platform, "crashed", instance)


@pytest.mark.long
def test_a_run_that_could_not_be_continued_is_continued_later(start: Start) -> None:
    platform = start()
    deploy_workflow(platform, "busy", SLOW_FIRST.replace("async (ctx) => {", LOGS))
    instance = start_run(platform, "busy")
    wait_for_log(platform, "worker-busy", "attempt 1")

    with locked_run(platform, "busy"):
        os.kill(group_pid(platform, "worker-busy"), signal.SIGKILL)
        wait_for_log(platform, "worker-busy", "could not be continued")

    assert wait_for_output(platform, "busy", instance)["first"] == 2


@pytest.mark.long
def test_a_group_that_did_not_start_is_started_again(start: Start) -> None:
    before = start()
    deploy_workflow(before, "blocked", SLOW_FIRST)
    instance = start_run(before, "blocked")
    wait_for_steps(before, "blocked", instance, 1)
    before.kill()
    process_id = pid_file(before, "worker-blocked")
    in_the_way = process_id.with_name("workerd.sock")
    in_the_way.unlink(missing_ok=True)
    (in_the_way / "folder").mkdir(parents=True)
    platform = start()
    log = platform.state / "logs/platform.jsonl"
    wait_until(lambda: log.exists() and "worker-blocked: " in log.read_text())

    shutil.rmtree(in_the_way)

    wait_until(process_id.exists)
    assert wait_for_output(platform, "blocked", instance)["first"] == 2


def test_zones_and_their_routes_survive_a_kill(survivors: Survivors) -> None:
    platform = survivors.platform

    assert route_patterns(platform, survivors.zone) == {"kept.example/*": "routed"}
    assert fetch_host(platform, "kept.example").text == "hello"


def test_an_older_live_version_keeps_the_newest_secrets_after_a_kill(survivors: Survivors) -> None:
    assert survivors.platform.fetch("rolled").text == "new"


def test_no_workerd_outlives_the_platform(start: Start) -> None:
    platform = start()
    deploy_worker(platform, "mortal", HELLO)
    workerd = psutil.Process(group_pid(platform, "worker-mortal"))

    platform.kill()

    workerd.wait(60)
    assert not is_running(workerd)


@pytest.mark.long
def test_a_leftover_process_is_killed_before_its_folder_is_used(start: Start) -> None:
    before = start()
    deploy_worker(before, "leftover", HELLO)
    before.kill()
    with subprocess.Popen(["/bin/sleep", "60"]) as leftover:
        stat = Path(f"/proc/{leftover.pid}/stat").read_text()
        pid_file(before, "worker-leftover").write_text(f"{leftover.pid}\n{stat}")

        start()

        assert leftover.wait() == -signal.SIGKILL


@pytest.mark.long
def test_another_process_with_the_same_id_is_left_alone(start: Start) -> None:
    before = start()
    deploy_worker(before, "renumbered", HELLO)
    before.kill()
    stat = Path("/proc/self/stat").read_text()
    with subprocess.Popen(["/bin/sleep", "3600"]) as other:
        pid_file(before, "worker-renumbered").write_text(f"{other.pid}\n{stat}")
        try:
            start()

            assert other.poll() is None
        finally:
            other.kill()


@pytest.mark.long
def test_the_platform_ends_when_its_standard_input_closes(start: Start) -> None:
    platform = start()
    stdin = platform.running.process.stdin
    assert stdin is not None

    stdin.close()

    assert platform.running.process.wait(60) == 0


def test_two_platforms_do_not_share_a_folder(survivors: Survivors) -> None:
    with pytest.raises(PlatformFailed, match="already runs on"):
        start_platform(survivors.folder)


def test_a_port_in_use_is_reported_clearly(survivors: Survivors, tmp_path: Path) -> None:
    port = survivors.platform.port

    with pytest.raises(PlatformFailed, match=f"^Port {port} is in use"):
        start_platform(tmp_path, port=port)


@pytest.mark.long
def test_an_idle_group_is_stopped_and_started_by_the_next_request(start: Start) -> None:
    platform = start(LOCAL_CLOUDFLARE_IDLE_SECONDS="0.5")
    deploy_worker(platform, "drowsy", HELLO)

    wait_until(lambda: not pid_file(platform, "worker-drowsy").exists())

    assert platform.fetch("drowsy").text == "hello"


@pytest.mark.long
def test_a_group_with_a_running_workflow_is_not_stopped(start: Start) -> None:
    platform = start(LOCAL_CLOUDFLARE_IDLE_SECONDS="0.2")
    deploy_workflow(platform, "awake", SLOW_FIRST)
    wait_for_steps(platform, "awake", start_run(platform, "awake"), 1)
    pid = group_pid(platform, "worker-awake")
    deploy_worker(platform, "drowsy-neighbor", HELLO)

    wait_until(lambda: not pid_file(platform, "worker-drowsy-neighbor").exists())

    assert psutil.pid_exists(pid)  # without requests for longer than its neighbor


def test_stored_files_are_private(survivors: Survivors) -> None:
    state = survivors.platform.state

    files = [path for path in state.rglob("*") if path.is_file()]

    assert state.stat().st_mode & 0o077 == 0
    assert [path for path in files if path.stat().st_mode & 0o077] == []

"""What goes on after a process ended, of its own accord or not."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
    run_status,
    start_run,
    wait_for,
    wait_for_output,
    workflow_binding,
)
from tests.local_cloudflare.support.zones import (
    create_route,
    create_zone,
    fetch_host,
    route_patterns,
)
from tests.support.platform_fixture import Platform, start_platform
from tests.support.processes import is_running
from toolchain.embedded_platform import PlatformFailed

Start = Callable[..., Platform]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start platforms on one data directory, one after the other."""
    started: list[Platform] = []

    def begin_one(**environment: str) -> Platform:
        started.append(start_platform(tmp_path, environment=environment))
        return started[-1]

    yield begin_one
    for platform in started:
        platform.running.stop()


SLOW_FIRST = WORKFLOW.replace(
    "async () => ({ at: Date.now() })",
    "async (ctx) => { await scheduler.wait(ctx.attempt === 1 ? 9e5 : 1); return ctx.attempt; }",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """Runs that the kill of their platform caught, and the platform that came after."""

    platform: Platform
    runs: Mapping[str, str]
    told: Mapping[str, Any]

    def ended(self, run: str) -> Any:
        return wait_for_output(self.platform, self.workflow(run), self.runs[run])

    def describe(self, run: str) -> Any:
        return describe_run(self.platform, self.workflow(run), self.runs[run])

    @staticmethod
    def workflow(run: str) -> str:
        return "middle" if run == "middle" else "kept"


@pytest.fixture(scope="module")
def survivors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survivors]:
    folder = tmp_path_factory.mktemp("survivors")
    before = start_platform(folder)
    deploy_workflow(before, "kept")
    deploy_worker(before, "middle", SLOW_FIRST, workflow_binding("middle"))
    before.api("PUT", "workflows/middle", json={"script_name": "middle", "class_name": "Flow"})
    runs = {
        "sleep": start_run(before, "kept", sleep=6000),
        "wait": start_run(before, "kept", wait=True),
        "retry": start_run(before, "kept", fails=3000),
        "paused": start_run(before, "kept", sleep="1 minute"),
        "middle": start_run(before, "middle"),
    }
    before.api(
        "PATCH", f"workflows/kept/instances/{runs['paused']}/status", json={"status": "pause"}
    )
    wait_for(lambda: run_status(before, "kept", runs["paused"]), "paused")
    told = {run: describe_run(before, Survivors.workflow(run), runs[run]) for run in runs}
    before.kill()
    platform = start_platform(folder)
    yield Survivors(platform=platform, runs=runs, told=told)
    platform.running.stop()


def test_a_run_that_waits_hears_an_event_after_the_kill(survivors: Survivors) -> None:
    path = f"workflows/kept/instances/{survivors.runs['wait']}/events/call"

    assert survivors.platform.api("POST", path, json={"again": True}).status_code == 200

    assert survivors.ended("wait")["heard"] == {"again": True}


def test_a_run_that_waits_for_a_retry_goes_on(survivors: Survivors) -> None:
    assert survivors.ended("retry")["second"] == {"attempt": 2}


def test_a_sleep_ends_at_its_old_time_and_no_finished_step_runs_again(survivors: Survivors) -> None:
    survivors.ended("sleep")

    before, after = survivors.told["sleep"], survivors.describe("sleep")

    assert after.steps[0] == before.steps[0]
    assert abs((after.steps[1].end - before.steps[1].end).total_seconds()) < 0.5


def test_a_step_in_the_middle_is_tried_again(survivors: Survivors) -> None:
    assert survivors.ended("middle")["first"] == 2


def test_a_run_that_was_paused_stays_paused_until_it_is_resumed(survivors: Survivors) -> None:
    assert survivors.describe("paused").status == "paused"

    path = f"workflows/kept/instances/{survivors.runs['paused']}/status"
    survivors.platform.api("PATCH", path, json={"status": "resume"})

    wait_for(lambda: survivors.describe("paused").status, "waiting")


def test_a_run_that_was_about_to_pause_is_paused_after_the_kill(start: Start) -> None:
    before = start()
    deploy_worker(before, "pausing", SLOW_FIRST, workflow_binding("pausing"))
    before.api("PUT", "workflows/pausing", json={"script_name": "pausing", "class_name": "Flow"})
    instance = start_run(before, "pausing")
    path = f"workflows/pausing/instances/{instance}/status"
    before.api("PATCH", path, json={"status": "pause"})
    wait_for(lambda: run_status(before, "pausing", instance), "waitingForPause")
    before.kill()

    platform = start()

    wait_for(lambda: run_status(platform, "pausing", instance), "paused")
    platform.api("PATCH", path, json={"status": "resume"})
    assert wait_for_output(platform, "pausing", instance)["first"] == 2


def test_many_runs_go_on_after_a_kill(start: Start) -> None:
    before = start()
    deploy_workflow(before, "many")
    batch = [{"params": {"sleep": 3000}} for _ in range(100)]
    before.api("POST", "workflows/many/instances/batch", json=batch)
    before.kill()

    platform = start()

    counts = "workflows/many"
    wait_for(lambda: platform.api("GET", counts).json()["result"]["instances"]["complete"], 100)


def test_a_killed_workerd_comes_back_with_its_runs(start: Start) -> None:
    platform = start()
    deploy_workflow(platform, "crashed")
    instance = start_run(platform, "crashed", wait=True)
    wait_for(lambda: run_status(platform, "crashed", instance), "waiting")

    os.kill(int(group_pid(platform, "worker-crashed")), signal.SIGKILL)

    path = f"workflows/crashed/instances/{instance}/events/call"
    wait_for(lambda: platform.api("POST", path, json=1).status_code, 200)
    wait_for_output(platform, "crashed", instance)


def test_zones_and_their_routes_are_there_after_a_kill(start: Start) -> None:
    before = start()
    deploy_worker(before, "routed", HELLO)
    zone = create_zone(before, "kept.example")
    create_route(before, zone, "kept.example/*", "routed")
    before.kill()

    platform = start()

    assert route_patterns(platform, zone) == {"kept.example/*": "routed"}
    assert fetch_host(platform, "kept.example").text == "hello"


def test_an_old_version_has_todays_secrets_after_a_kill(start: Start) -> None:
    before = start()
    code = "export default { fetch: (request, env) => new Response(env.KEY) }"
    deploy_worker(before, "rolled", code, {"type": "secret_text", "name": "KEY", "text": "old"})
    first = live_version(before, "rolled")
    deploy_worker(before, "rolled", code, {"type": "secret_text", "name": "KEY", "text": "new"})
    deploy_version(before, "rolled", first, "?force=true")
    before.kill()

    assert start().fetch("rolled").text == "new"


def test_no_workerd_outlives_the_platform(start: Start) -> None:
    platform = start()
    deploy_worker(platform, "mortal", HELLO)
    workerd = psutil.Process(int(group_pid(platform, "worker-mortal")))

    platform.kill()

    workerd.wait(5)
    assert not is_running(workerd)


def test_a_leftover_process_is_ended_before_its_folder_is_used(start: Start) -> None:
    before = start()
    deploy_worker(before, "leftover", HELLO)
    before.kill()
    note = before.state / "groups" / "worker-leftover" / "workerd.pid"
    with subprocess.Popen(["/bin/sleep", "60"]) as left:
        stat = Path(f"/proc/{left.pid}/stat").read_text()
        note.write_text(f"{left.pid}\n{stat}")

        start()

        assert left.wait(5) == -signal.SIGKILL


def test_a_process_that_only_took_the_number_is_left_alone(start: Start) -> None:
    before = start()
    deploy_worker(before, "renumbered", HELLO)
    before.kill()
    note = before.state / "groups" / "worker-renumbered" / "workerd.pid"
    old = Path("/proc/self/stat").read_text()
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        note.write_text(f"{other.pid}\n{old}")

        start()

        assert other.poll() is None
        other.kill()


def test_the_platform_ends_when_its_standard_input_closes(start: Start) -> None:
    platform = start()
    stdin = platform.running.process.stdin
    assert stdin is not None

    stdin.close()

    assert platform.running.process.wait(5) == 0


def test_two_platforms_do_not_share_a_folder(start: Start) -> None:
    start()

    with pytest.raises(PlatformFailed, match="already runs on"):
        start()


def test_a_port_in_use_is_one_clear_sentence(
    start: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    platform = start()

    with pytest.raises(PlatformFailed, match=f"^Port {platform.port} is in use"):
        start_platform(tmp_path_factory.mktemp("other"), port=platform.port)


def test_a_quiet_group_is_stopped_and_starts_with_the_next_request(start: Start) -> None:
    platform = start(LOCAL_CLOUDFLARE_IDLE_SECONDS="0.5")
    deploy_worker(platform, "drowsy", HELLO)
    pid = int(group_pid(platform, "worker-drowsy"))

    wait_for(lambda: "running" if psutil.pid_exists(pid) else "stopped", "stopped")

    assert platform.fetch("drowsy").text == "hello"


def test_a_group_with_a_live_run_is_not_stopped(start: Start) -> None:
    platform = start(LOCAL_CLOUDFLARE_IDLE_SECONDS="0.2")
    deploy_workflow(platform, "awake")
    start_run(platform, "awake", sleep="1 minute")
    pid = int(group_pid(platform, "worker-awake"))
    deploy_worker(platform, "drowsy-beside", HELLO)
    quiet = int(group_pid(platform, "worker-drowsy-beside"))

    wait_for(lambda: "running" if psutil.pid_exists(quiet) else "stopped", "stopped")

    assert psutil.pid_exists(pid)  # it has been quiet for longer


def test_what_it_keeps_is_private(start: Start) -> None:
    platform = start()
    deploy_worker(platform, "private", HELLO, {"type": "secret_text", "name": "S", "text": "hush"})

    files = [path for path in platform.state.rglob("*") if path.is_file()]

    assert platform.state.stat().st_mode & 0o077 == 0
    assert [path for path in files if path.stat().st_mode & 0o077] == []

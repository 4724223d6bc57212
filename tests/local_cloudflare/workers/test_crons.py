"""When cron triggers fire, by Cloudflare's reading of their expressions."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import HELLO, deploy_worker
from tests.support.platform_fixture import Platform
from toolchain import process
from toolchain.node_tools import NODE, TOOLCHAIN

PROGRAM = """
const { parseCron } = await import(process.argv[1]);
const [expression, time] = process.argv.slice(2);
console.log(JSON.stringify(parseCron(expression)?.(new Date(time)) ?? null));
"""


CLOCK = """
const seen = [];
export default {
  fetch: () => Response.json(seen),
  scheduled({ cron, scheduledTime }) {
    if (cron === "0 0 * * SUN") throw new Error("no rest");
    seen.push({ cron, scheduledTime });
  },
};
"""
FIRE = "/cdn-cgi/handler/scheduled"


def fires(expression: str, time: str, folder: Path) -> bool | None:
    """Return whether it fires at this time; None where it is no cron expression."""
    module = (TOOLCHAIN / "local_cloudflare" / "schedules" / "cron.ts").as_uri()
    arguments: list[str | Path] = [NODE, "--input-type=module", "-e", PROGRAM, module]
    env = process.environment(home=folder)
    done = process.run([*arguments, expression, time], cwd=folder, env=env, timeout=30)
    assert done.exit_code == 0, done.stderr
    return bool(answer) if (answer := json.loads(done.stdout)) is not None else None


@pytest.mark.parametrize(
    ("expression", "at", "not_at"),
    [
        ("*/15 * * * *", "2026-11-22T07:45Z", "2026-11-22T07:46Z"),
        ("0 8-18/2 * * *", "2026-11-22T10:00Z", "2026-11-22T11:00Z"),
        ("0 0 * * 1", "2026-11-22T00:00Z", "2026-11-23T00:00Z"),
        ("0 0 * * MON-FRI", "2026-11-23T00:00Z", "2026-11-22T00:00Z"),
        ("59 23 LW * *", "2026-10-30T23:59Z", "2026-10-31T23:59Z"),
        ("0 0 L 2 *", "2028-02-29T00:00Z", "2028-02-28T00:00Z"),
        ("0 0 15W * *", "2026-11-16T00:00Z", "2026-11-15T00:00Z"),
        ("0 18 * * 6L", "2026-11-27T18:00Z", "2026-11-20T18:00Z"),
        ("0 0 * * 2#1", "2026-11-02T00:00Z", "2026-11-09T00:00Z"),
        ("0 0 13 * FRI", "2026-11-13T00:00Z", "2026-11-14T00:00Z"),
        ("0 22-2 * * *", "2026-11-22T01:00Z", "2026-11-22T03:00Z"),
        ("0 22-3/2 * * *", "2026-11-22T02:00Z", "2026-11-22T01:00Z"),
        ("0 0 * 11-1 *", "2026-01-22T00:00Z", "2026-02-22T00:00Z"),
        ("0 0 * * FRI-MON", "2026-11-22T00:00Z", "2026-11-24T00:00Z"),
        ("0 0 * * L", "2026-11-21T00:00Z", "2026-11-22T00:00Z"),
        ("0 0 L-3 * *", "2026-11-27T00:00Z", "2026-11-30T00:00Z"),
        ("0 0 L-2W * *", "2026-11-27T00:00Z", "2026-11-28T00:00Z"),
    ],
)
def test_a_cron_fires_at_its_time(expression: str, at: str, not_at: str, tmp_path: Path) -> None:
    assert fires(expression, at, tmp_path) is True
    assert fires(expression, not_at, tmp_path) is False


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "60 * * * *", "* * * * 0", "*/0 * * * *", "0 0 L-31 * *", "0 0 32W * *"],
)
def test_what_is_no_cron_is_refused(expression: str, tmp_path: Path) -> None:
    assert fires(expression, "2026-11-22T07:45Z", tmp_path) is None


def test_a_schedule_set_by_wrangler_is_fired_at_once(project: Project) -> None:
    project.write(CLOCK, triggers={"crons": ["*/5 * * * *", "0 0 1 1 *"]})
    project.deploy()
    platform, name = project.platform, project.name

    first = platform.fetch(name, FIRE, method="POST")
    second = platform.fetch(name, f"{FIRE}?cron=0+0+1+1+*&time=1767225600000")

    assert (first.text, second.text) == ("ok", "ok")
    seen = platform.fetch(name).json()
    assert [fired["cron"] for fired in seen] == ["*/5 * * * *", "0 0 1 1 *"]
    assert seen[1]["scheduledTime"] == 1767225600000


def test_a_schedule_that_fails_says_why(platform: Platform) -> None:
    deploy_worker(platform, "restless", CLOCK)
    deploy_worker(platform, "timeless", HELLO)

    failed = platform.fetch("restless", f"{FIRE}?cron=0+0+*+*+SUN")
    missing = platform.fetch("timeless", FIRE)
    nobody = platform.fetch("nobody", FIRE)

    assert [answer.status_code for answer in (failed, missing, nobody)] == [500, 500, 404]


def test_a_page_elsewhere_fires_nothing(platform: Platform) -> None:
    deploy_worker(platform, "guarded", CLOCK)

    answer = httpx.get(
        f"http://127.0.0.1:{platform.port}{FIRE}",
        headers={"host": f"guarded.localhost:{platform.port}", "sec-fetch-site": "cross-site"},
    )

    assert answer.status_code == 404
    assert platform.fetch("guarded").json() == []

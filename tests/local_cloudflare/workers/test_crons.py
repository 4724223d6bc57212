"""When cron triggers fire, according to Cloudflare's rules for their expressions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import HELLO, deploy_worker
from tests.support.patience import PATIENCE
from tests.support.plain_http import request
from tests.support.platform_fixture import Platform
from toolchain import process
from toolchain.node_tools import NODE, TOOLCHAIN

PROGRAM = """
const { parseCron } = await import(process.argv[1]);
const [expression, time] = process.argv.slice(2);
console.log(JSON.stringify(parseCron(expression)?.(new Date(time)) ?? null));
"""


CLOCK = """
const fired = [];
export default {
  fetch: () => Response.json(fired),
  scheduled({ cron, scheduledTime }) {
    if (cron === "0 0 * * SUN") throw new Error("no rest");
    fired.push({ cron, scheduledTime });
  },
};
"""
FIRE = "/cdn-cgi/handler/scheduled"


def fires(expression: str, time: str, folder: Path) -> bool | None:
    """Return whether the expression matches this time; None if it is invalid."""
    module = (TOOLCHAIN / "local_cloudflare" / "schedules" / "cron.ts").as_uri()
    arguments: list[str | Path] = [NODE, "--input-type=module", "-e", PROGRAM, module]
    env = process.environment(home=folder)
    result = process.run([*arguments, expression, time], cwd=folder, env=env, timeout=PATIENCE)
    assert result.exit_code == 0, result.stderr
    matches: bool | None = json.loads(result.stdout)
    return matches


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
        ("0 0 * * fri-mon", "2026-11-22T00:00Z", "2026-11-24T00:00Z"),
        ("0 18 * * friL", "2026-11-27T18:00Z", "2026-11-20T18:00Z"),
        ("0 0 * * L", "2026-11-21T00:00Z", "2026-11-22T00:00Z"),
        ("0 0 L-3 * *", "2026-11-27T00:00Z", "2026-11-30T00:00Z"),
        ("0 0 L-2W * *", "2026-11-27T00:00Z", "2026-11-28T00:00Z"),
    ],
)
def test_a_cron_trigger_fires_at_its_time(
    expression: str, at: str, not_at: str, tmp_path: Path
) -> None:
    assert fires(expression, at, tmp_path) is True
    assert fires(expression, not_at, tmp_path) is False


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 l * *",
        "0 0 15w * *",
        "0 0 * * 6l",
        "",
        "* * * *",
        "60 * * * *",
        "* * * * 0",
        "*/0 * * * *",
        "0 0 L-31 * *",
        "0 0 32W * *",
    ],
)
def test_an_invalid_expression_is_refused(expression: str, tmp_path: Path) -> None:
    assert fires(expression, "2026-11-22T07:45Z", tmp_path) is None


@pytest.mark.long
def test_a_schedule_set_by_wrangler_is_fired_by_request(project: Project) -> None:
    project.write(CLOCK, triggers={"crons": ["*/5 * * * *", "0 0 1 1 *"]})
    project.deploy()
    platform, name = project.platform, project.name

    first = platform.fetch(name, FIRE, method="POST")
    second = platform.fetch(name, f"{FIRE}?cron=0+0+1+1+*&time=1767225600000")

    assert (first.text, second.text) == ("ok", "ok")
    fired = platform.fetch(name).json()
    assert [event["cron"] for event in fired] == ["*/5 * * * *", "0 0 1 1 *"]
    assert fired[1]["scheduledTime"] == 1767225600000


def test_a_schedule_that_fails_returns_an_error(platform: Platform) -> None:
    deploy_worker(platform, "restless", CLOCK)
    deploy_worker(platform, "timeless", HELLO)

    failed = platform.fetch("restless", f"{FIRE}?cron=0+0+*+*+SUN")
    missing = platform.fetch("timeless", FIRE)
    unknown = platform.fetch("nobody", FIRE)

    assert [response.status_code for response in (failed, missing, unknown)] == [500, 500, 404]


def test_a_page_of_another_site_fires_nothing(platform: Platform) -> None:
    deploy_worker(platform, "guarded", CLOCK)

    response = request(
        "GET",
        f"http://127.0.0.1:{platform.port}{FIRE}",
        headers={"host": f"guarded.localhost:{platform.port}", "sec-fetch-site": "cross-site"},
    )

    assert response.status_code == 404
    assert platform.fetch("guarded").json() == []

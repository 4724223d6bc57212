"""Test runs: their clock, their pins, and that nothing of them remains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloudflare.support.test_runs import (
    TestRunPlatform,
    account_for_test_runs,
    deploy_draft,
    start_test_run,
)
from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    describe_run,
    start_run,
    upload,
    wait_for_output,
    wait_for_status,
    wait_for_steps,
    wait_until,
    workflow_binding,
)
from tests.support.plain_http import request
from tests.support.platform_fixture import Platform, start_platform

FLOW = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run({ payload }, step) {
    {body}
  }
}
export default { fetch: () => new Response() };
"""
FOREVER = "await step.do('first', async () => 1); await step.sleep('nap', '300 days');"
RACE = """
const nap = async (name, time) => { await step.sleep(name, time); return name; };
const wait = step.waitForEvent("answer", { type: "answer", timeout: "3 days" }).then(() => "answer", () => "timeout");
const work = async () => {
  for (const name of ["one", "two", "three"]) await step.do(name, async () => name);
  return "work";
};
const first = await Promise.race([nap("long", "3 days"), nap("short", "2 minutes"), wait]);
const second = await Promise.race([nap("tiny", 500), work()]);
const timedOut = await Promise.race([nap("longer", "8 days"), wait]);
return { first, second, timedOut };
"""
RETRIES = """
const retries = { limit: 3, delay: "6 hours", backoff: "exponential" };
const attempts = await step.do("flaky", { retries, timeout: "10 minutes" }, async ({ attempt }) => attempt);
return attempts;
"""


@pytest.fixture
def account(platform: Platform) -> TestRunPlatform:
    return account_for_test_runs(platform)


def run(account: TestRunPlatform, name: str, body: str, **plan: Any) -> tuple[Any, dict[str, Any]]:
    """Test-run the code; return the output, and each step by its name."""
    deploy_draft(account, name, FLOW.replace("{body}", body))
    instance = start_test_run(account, name, **plan)
    output = wait_for_output(account, name, instance)
    return output, steps_of(account, name)


def steps_of(account: TestRunPlatform, name: str) -> dict[str, Any]:
    found = account.api("GET", f"workflows/{name}/instances/run").json()["result"]["steps"]
    return {step["name"].removesuffix("-1"): step for step in found if "name" in step}


def test_sleeps_and_waits_of_weeks_are_skipped_in_the_right_order(account: TestRunPlatform) -> None:
    output, _ = run(account, "race", RACE)
    assert output == {"first": "short", "second": "work", "timedOut": "timeout"}


def test_at_a_chosen_speed_time_passes_in_the_right_order(account: TestRunPlatform) -> None:
    output, _ = run(account, "fast-race", RACE, speed=500_000)
    assert output == {"first": "short", "second": "work", "timedOut": "timeout"}


def test_retry_delays_are_skipped_and_the_steps_own_settings_shown(
    account: TestRunPlatform,
) -> None:
    pins = {"flaky": {"failures": {"times": 2, "message": "no luck"}}}
    output, steps = run(account, "retries", RETRIES, pins=pins)
    assert output == 3
    errors = [attempt["error"] for attempt in steps["flaky"]["attempts"]]
    assert errors == [{"name": "Error", "message": "no luck"}] * 2 + [None]
    assert steps["flaky"]["config"]["retries"]["delay"] == "6 hours"


def test_time_is_skipped_after_an_error_that_is_not_retried(account: TestRunPlatform) -> None:
    body = """
    const fatal = () => { throw Object.assign(new Error("no"), { name: "NonRetryableError" }); };
    const caught = await step.do("fails", async () => fatal()).catch(() => "caught");
    await step.sleep("nap", "3 days");
    return caught;"""
    output, _ = run(account, "not-retried", body)
    assert output == "caught"


def test_a_pinned_timeout_looks_like_a_real_one(account: TestRunPlatform) -> None:
    pins = {"flaky": {"failures": {"times": 1, "message": None}, "result": "late"}}
    output, steps = run(account, "timeouts", RETRIES, pins=pins)
    assert output == "late"
    error = steps["flaky"]["attempts"][0]["error"]
    message = "Execution timed out after 600000ms"
    assert error == {"name": "WorkflowTimeoutError", "message": message}


def test_a_step_can_have_a_pinned_result_for_each_time(account: TestRunPlatform) -> None:
    body = """
    const out = [];
    for (const item of [0, 1, 2]) out.push(await step.do(`price [${item}]`, async () => item));
    return out;"""
    output, _ = run(account, "prices", body, pins={"price": {"results": ["a", "b"]}})
    assert output == ["a", "b", "b"]


CALLS = """
const call = async (name, path, body) => step.do(name, async () => {
  const response = await fetch(`https://shop.invalid/${path}`, { method: "POST", body: JSON.stringify(body) });
  return { status: response.status, body: await response.text() };
});
return [await call("one", "orders", { id: 1 }), await call("two", "orders", { id: 2 }), await call("three", "mail", [])];
"""


def answer(path: str, reply: object, *, status: int = 200, **expected: object) -> dict[str, object]:
    url = f"https://shop.invalid/{path}"
    return {"method": "POST", "url": url, "answer": {"status": status, "body": reply}, **expected}


def requests_of(account: TestRunPlatform, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.own_api("GET", f"{name}/requests").json()["result"]
    return found


def test_requests_get_the_answers_of_the_test(account: TestRunPlatform) -> None:
    requests = [
        answer("mail", None, status=204),
        answer("orders", {"paid": True}, body={"id": 2}),
        answer("orders", "busy", status=503, body={"id": 1}),
    ]
    output, _ = run(account, "answered-calls", CALLS, requests=requests)
    assert output == [
        {"status": 503, "body": "busy"},
        {"status": 200, "body": '{"paid":true}'},
        {"status": 204, "body": ""},
    ]
    made = [(each["body"], each["answered"]) for each in requests_of(account, "answered-calls")]
    assert made == [('{"id":1}', 2), ('{"id":2}', 1), ("[]", 0)]


def test_a_request_without_an_answer_fails_and_is_recorded(account: TestRunPlatform) -> None:
    deploy_draft(account, "unanswered", FLOW.replace("{body}", CALLS))
    start_test_run(account, "unanswered", requests=[answer("orders", None)])
    wait_for_status(account, "unanswered", "run", "errored")
    error = describe_run(account, "unanswered", "run").error
    assert error
    assert error.message == "The test has no answer for POST https://shop.invalid/orders."
    answered = [each["answered"] for each in requests_of(account, "unanswered")]
    assert answered[:2] == [0, None]


def test_real_requests_are_recorded_with_their_responses(account: TestRunPlatform) -> None:
    port = account.port
    body = f"""
    return step.do("ask", async () => {{
      const response = await fetch("http://127.0.0.1:{port}/client/v4/nothing", {{ method: "PUT", body: "hello" }});
      return (await response.text()).length;
    }});"""
    output, _ = run(account, "real", body)
    wait_until(lambda: "response" in requests_of(account, "real")[0])
    (made,) = requests_of(account, "real")
    assert (made["method"], made["body"], made["answered"]) == ("PUT", "hello", None)
    assert made["response"]["status"] >= 400
    assert len(made["response"]["body"]) == output


def test_a_long_body_is_recorded_with_a_mark_where_it_ends(account: TestRunPlatform) -> None:
    limit = 64 * 1024
    requests = [answer(path, "ok", status=200) for path in ("whole", "long")]
    body = f"""
    for (const [path, length] of [["whole", {limit}], ["long", {limit + 1}]])
      await step.do(path, async () => {{
        const options = {{ method: "POST", body: "x".repeat(length) }};
        await fetch(`https://shop.invalid/${{path}}`, options);
      }});"""
    run(account, "long-bodies", body, requests=requests)
    whole, long = [each["body"] for each in requests_of(account, "long-bodies")]
    assert whole == "x" * limit
    assert long == f"{whole}[truncated output]"


def test_a_step_returns_its_pinned_result_instead_of_running(account: TestRunPlatform) -> None:
    results: dict[str, object] = {"a": None, "b": 0, "c": False, "d": "", "e": {"list": [1]}}
    body = f"""
    const out = {{}};
    for (const name of {json.dumps([*results])})
      out[name] = await step.do(name, async () => {{ throw new Error("runs"); }});
    return out;"""
    pins = {name: {"result": result} for name, result in results.items()}
    output, _ = run(account, "pins", body, pins=pins)
    assert output == results


def test_a_pin_applies_in_every_iteration_of_loops_and_attempt_of_races(
    account: TestRunPlatform,
) -> None:
    names = ["pay", "pay [0]", "pay [1][2]", "pay (attempt 2) [3]", "pay later"]
    body = (
        f"const out = []; for (const name of {json.dumps(names)}) "
        "out.push(await step.do(name, async () => 'ran')); return out;"
    )
    output, _ = run(account, "repeated-pins", body, pins={"pay": {"result": "pinned"}})
    assert output == ["pinned"] * 4 + ["ran"]


def test_a_wait_that_is_answered_in_advance_looks_like_any_other(account: TestRunPlatform) -> None:
    body = """
    const wait = name => step.waitForEvent(name, { type: "approved", timeout: "3 days" });
    const [first, second] = await Promise.all([wait("first"), wait("second")]);
    return [first.payload, first.type, second.payload];"""
    pins = {"first": {"result": {"by": "Ada"}}, "second": {"result": None}}
    output, steps = run(account, "answers", body, pins=pins)
    assert output == [{"by": "Ada"}, "approved", None]
    assert steps["first"]["event_type"] == "approved"
    assert json.loads(steps["first"]["output"])["type"] == "approved"


def test_a_wait_can_time_out_immediately(account: TestRunPlatform) -> None:
    body = """
    try { await step.waitForEvent("answer", { type: "approved", timeout: "3 days" }); }
    catch (error) { return error.message; }"""
    pins = {"answer": {"failures": {"times": None, "message": None}}}
    output, _ = run(account, "no-answer", body, pins=pins, speed=1)
    assert "timed out after 259200000ms" in output


def test_steps_named_like_properties_of_objects_are_not_pinned(account: TestRunPlatform) -> None:
    body = """
    const wait = { type: "approved", timeout: "3 days" };
    return await step.waitForEvent("constructor", wait).then(() => "answered", () => "timed out");"""
    output, _ = run(account, "property", body)
    assert output == "timed out"


UNDOING = """
const retries = { limit: 1, delay: "6 hours", backoff: "constant" };
let failures = 0;
const rollback = async () => { if (failures++ === 0) throw new Error("not yet"); };
const options = { rollback, rollbackConfig: { retries } };
for (const name of ["pinned", "flaky", "own"]) await step.do(name, async () => name, options);
throw new Error("no");
"""


def test_steps_are_undone_without_delays_unless_they_are_pinned(account: TestRunPlatform) -> None:
    deploy_draft(account, "undoing", FLOW.replace("{body}", UNDOING))
    pins = {"pinned": {"result": 1}, "flaky": {"failures": {"times": 1, "message": "no luck"}}}
    start_test_run(account, "undoing", pins=pins)
    wait_for_status(account, "undoing", "run", "errored")
    described = account.api("GET", "workflows/undoing/instances/run").json()["result"]
    undone = [step for step in described["steps"] if step["type"] == "rollback"]
    assert [(step["name"], len(step["attempts"])) for step in undone] == [
        ("own-1", 2),
        ("flaky-1", 1),
    ]


def test_the_run_stops_before_the_step_of_its_plan(account: TestRunPlatform) -> None:
    body = 'for (let i = 0; i < 2; i += 1) for (const name of ["a", "b"]) '
    body += "await step.do(`${name} [${i}]`, async () => name);"
    deploy_draft(account, "until", FLOW.replace("{body}", body))
    start_test_run(account, "until", until="b")
    wait_for_status(account, "until", "run", "terminated")
    assert list(steps_of(account, "until")) == ["a [0]"]


def test_a_long_step_runs_in_real_time_while_another_branch_sleeps(
    account: TestRunPlatform,
) -> None:
    body = """
    const slow = step.do("slow", { timeout: "1 hour" }, async () => { await scheduler.wait(400); return "slow"; });
    const nap = async () => { await step.sleep("nap", "1 minute"); return "nap"; };
    return await Promise.race([slow, nap()]);"""
    output, _ = run(account, "slow", body)
    assert output == "slow"


def test_other_runs_are_not_affected(account: TestRunPlatform, platform: Platform) -> None:
    deploy_workflow(platform, "as-usual")
    instance = start_run(platform, "as-usual", sleep="1 hour")
    wait_for_steps(platform, "as-usual", instance, 2)
    run(account, "beside", RACE)
    assert describe_run(platform, "as-usual", instance).status == "waiting"


def test_only_the_account_of_test_runs_shows_them(
    account: TestRunPlatform, platform: Platform
) -> None:
    run(account, "private", "return 1")
    assert "private" in names(account)
    assert "private" not in names(platform)
    assert not platform.client().workflows.list(account_id=platform.account_id).result or (
        "private" not in str(platform.api("GET", "workflows?per_page=100").json())
    )


def names(platform: Platform) -> set[str]:
    return {row["id"] for row in platform.api("GET", "workers/scripts").json()["result"]}


def test_calls_need_the_platforms_token(account: TestRunPlatform) -> None:
    url = f"http://127.0.0.1:{account.port}/test-runs/workers/any"
    headers = {"authorization": "Bearer wrong"}
    assert request("DELETE", url, headers=headers).status_code == 403


def files_of(platform: Platform) -> list[str]:
    """Return the files of the account for test runs that hold more than its own empty lists."""
    root = platform.state / "test_runs"
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(str(path) for path in found)


@pytest.mark.long
def test_nothing_remains_of_a_removed_worker(tmp_path: Path) -> None:
    platform = start_platform(tmp_path)
    try:
        account = account_for_test_runs(platform)
        kv = account.client().kv.namespaces.create(account_id=account.account_id, title="kv")
        assert kv is not None
        binding = {"type": "kv_namespace", "name": "KV", "namespace_id": kv.id}
        before = "console.log('hello'); await step.do('put', () => this.env.KV.put('a', 'b'));"
        code = FLOW.replace("{body}", before + FOREVER)
        deploy_draft(account, "gone", code, binding)
        start_test_run(account, "gone", speed=1)
        wait_for_steps(account, "gone", "run", 3)
        assert account.own_api("DELETE", "gone").status_code == 200
        assert [name for name in files_of(platform) if "kv.json" not in name] == []
        assert json.loads((platform.state / "test_runs/account/kv.json").read_text()) == []
        assert names(account) == set()
    finally:
        platform.running.stop()


@pytest.fixture
def short_lived(tmp_path: Path) -> Iterator[TestRunPlatform]:
    """A platform that removes test runs immediately."""
    platform = start_platform(tmp_path, environment={"LOCAL_CLOUDFLARE_TEST_RUN_SECONDS": "0"})
    yield account_for_test_runs(platform)
    platform.running.stop()


@pytest.mark.long
def test_a_worker_is_removed_after_its_time(short_lived: TestRunPlatform) -> None:
    upload_only = FLOW.replace("{body}", FOREVER)
    assert upload(short_lived, "old", upload_only, workflow_binding("old")).status_code == 200
    wait_until(lambda: not names(short_lived))


@pytest.mark.long
def test_nothing_remains_after_the_platform_was_killed(tmp_path: Path) -> None:
    platform = start_platform(tmp_path)
    account = account_for_test_runs(platform)
    deploy_draft(account, "killed", FLOW.replace("{body}", FOREVER))
    start_test_run(account, "killed", speed=1)
    wait_for_steps(account, "killed", "run", 2)
    platform.kill()
    assert files_of(platform)
    platform = start_platform(tmp_path)
    try:
        assert files_of(platform) == []
        assert names(account_for_test_runs(platform)) == set()
    finally:
        platform.running.stop()

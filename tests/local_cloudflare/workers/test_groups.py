"""Which deploys touch which processes, and what becomes of state."""

from __future__ import annotations

import pytest

from tests.local_cloudflare.support.workers import (
    HELLO,
    WORKFLOW,
    Binding,
    deploy_worker,
    deploy_workflow,
    group_pid,
    run_status,
    send_event,
    start_run,
    upload,
    wait_for,
    wait_for_output,
    workflow_binding,
)
from tests.support.platform_fixture import Platform

COUNTER = """
export default {
  async fetch(request, env) {
    const count = 1 + Number(await env.KV.get("count") ?? 0);
    await env.KV.put("count", String(count));
    return new Response(String(count));
  },
};
"""


def namespace(platform: Platform, title: str) -> Binding:
    made = platform.client().kv.namespaces.create(account_id=platform.account_id, title=title)
    assert made is not None
    return {"type": "kv_namespace", "name": "KV", "namespace_id": made.id}


@pytest.mark.parametrize("payload", [{"sleep": 3000}, {"wait": True}, {"fails": 3000}])
def test_a_run_survives_a_deploy_of_its_own_worker(
    platform: Platform, payload: dict[str, object]
) -> None:
    deploy_workflow(platform, "mine")
    instance = start_run(platform, "mine", **payload)
    wait_for(lambda: run_status(platform, "mine", instance), "waiting")

    deploy_worker(platform, "mine", WORKFLOW, workflow_binding("mine"))
    platform.api("POST", f"workflows/mine/instances/{instance}/events/call", json=1)

    assert wait_for_output(platform, "mine", instance)["first"]


def test_a_deploy_does_not_touch_the_processes_of_others(platform: Platform) -> None:
    names = [f"neighbour-{number}" for number in range(3)]
    for name in names:
        deploy_worker(platform, name, HELLO)
    before = [group_pid(platform, f"worker-{name}") for name in names]

    deploy_worker(platform, "newcomer", HELLO)
    deploy_worker(platform, names[0], HELLO)

    after = [group_pid(platform, f"worker-{name}") for name in names]
    assert after[1:] == before[1:]
    assert after[0] != before[0]


def test_giving_a_workflow_to_the_worker_that_has_it_starts_nothing(platform: Platform) -> None:
    deploy_worker(platform, "given", WORKFLOW, workflow_binding("given"))
    before = group_pid(platform, "worker-given")

    body = {"script_name": "given", "class_name": "Flow"}
    answers = [platform.api("PUT", "workflows/given", json=body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert group_pid(platform, "worker-given") == before


def test_state_follows_when_groups_join_and_split(platform: Platform) -> None:
    shared = namespace(platform, "shared")
    deploy_worker(platform, "zebra", COUNTER, shared)
    assert [platform.fetch("zebra").text for _ in range(2)] == ["1", "2"]

    deploy_worker(platform, "antelope", COUNTER, shared)
    joined = platform.fetch("antelope").text
    deploy_worker(platform, "antelope", HELLO)
    split = platform.fetch("zebra").text

    assert (joined, split) == ("3", "4")


def test_runs_follow_when_groups_join_and_split(platform: Platform) -> None:
    deploy_workflow(platform, "yak")
    instance = start_run(platform, "yak", wait=True)
    wait_for(lambda: run_status(platform, "yak", instance), "waiting")

    deploy_worker(platform, "bison", HELLO, {"type": "service", "name": "S", "service": "yak"})
    assert run_status(platform, "yak", instance) == "waiting"
    deploy_worker(platform, "bison", HELLO)
    send_event(platform, "yak", instance)

    wait_for_output(platform, "yak", instance)


def test_code_without_its_old_workflow_still_deploys(platform: Platform) -> None:
    deploy_workflow(platform, "former")
    instance = start_run(platform, "former", sleep="1 minute")

    deploy_worker(platform, "former", HELLO)

    assert platform.fetch("former").text == "hello"
    assert run_status(platform, "former", instance) == "waiting"


def test_bound_workers_call_each_other(platform: Platform) -> None:
    front = "export default { fetch(request, env) { return env.BACK.fetch(request) } }"
    deploy_worker(platform, "back", HELLO)

    deploy_worker(platform, "front", front, {"type": "service", "name": "BACK", "service": "back"})

    assert platform.fetch("front").text == "hello"


def test_a_worker_starts_the_workflow_of_another(platform: Platform) -> None:
    deploy_workflow(platform, "callee")
    caller = WORKFLOW.split("export default")[1]
    binding = workflow_binding("callee") | {"script_name": "callee"}

    deploy_worker(platform, "caller", f"export default{caller}", binding)
    instance = platform.fetch("caller", method="POST", json={"sleep": 10}).json()["id"]

    assert wait_for_output(platform, "callee", instance)["first"]


def test_a_failed_deploy_leaves_a_joined_group_as_it_was(platform: Platform) -> None:
    kept = namespace(platform, "kept")
    deploy_worker(platform, "sound", COUNTER, kept)
    assert platform.fetch("sound").text == "1"

    answer = _broken(platform, "rotten", kept)

    assert answer == 10021
    assert platform.fetch("sound").text == "2"


def _broken(platform: Platform, name: str, binding: Binding) -> int:
    answer = upload(platform, name, "throw new Error('rotten'); export default {}", binding)
    return int(answer.json()["errors"][0]["code"])

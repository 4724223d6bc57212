"""Which processes a deploy restarts, and how groups keep their state."""

from __future__ import annotations

import pytest

from tests.local_cloudflare.support.workers import (
    HELLO,
    WORKFLOW,
    Binding,
    create_namespace,
    deploy_worker,
    deploy_workflow,
    group_pid,
    namespace_binding,
    run_status,
    send_event,
    start_run,
    upload,
    wait_for_output,
    wait_for_status,
    wait_for_steps,
    workflow_binding,
)
from tests.support.platform_fixture import Platform, error_codes

COUNTER = """
export default {
  async fetch(request, env) {
    const count = 1 + Number(await env.KV.get("count") ?? 0);
    await env.KV.put("count", String(count));
    return new Response(String(count));
  },
};
"""


@pytest.mark.parametrize("payload", [{"sleep": 3000}, {"wait": True}, {"fails": 3000}])
def test_a_run_survives_a_deploy_of_its_worker(
    platform: Platform, payload: dict[str, object]
) -> None:
    deploy_workflow(platform, "redeployed")
    instance = start_run(platform, "redeployed", **payload)
    wait_for_steps(platform, "redeployed", instance, 2)

    deploy_worker(platform, "redeployed", WORKFLOW, workflow_binding("redeployed"))
    platform.api("POST", f"workflows/redeployed/instances/{instance}/events/call", json=1)

    assert wait_for_output(platform, "redeployed", instance)["first"]


def test_a_deploy_does_not_restart_other_workers(platform: Platform) -> None:
    names = [f"neighbor-{number}" for number in range(3)]
    for name in names:
        deploy_worker(platform, name, HELLO)
    before = [group_pid(platform, f"worker-{name}") for name in names]

    deploy_worker(platform, "newcomer", HELLO)
    deploy_worker(platform, names[0], HELLO)

    after = [group_pid(platform, f"worker-{name}") for name in names]
    assert after[1:] == before[1:]
    assert after[0] != before[0]


def test_assigning_a_workflow_to_its_own_worker_restarts_nothing(platform: Platform) -> None:
    deploy_worker(platform, "assigned", WORKFLOW, workflow_binding("assigned"))
    before = group_pid(platform, "worker-assigned")

    body = {"script_name": "assigned", "class_name": "Flow"}
    responses = [platform.api("PUT", "workflows/assigned", json=body) for _ in range(2)]

    assert [response.status_code for response in responses] == [200, 200]
    assert group_pid(platform, "worker-assigned") == before


def test_state_is_kept_when_groups_join_and_split(platform: Platform) -> None:
    shared = namespace_binding(create_namespace(platform, "shared"))
    deploy_worker(platform, "zebra", COUNTER, shared)
    assert [platform.fetch("zebra").text for _ in range(2)] == ["1", "2"]

    deploy_worker(platform, "antelope", COUNTER, shared)
    joined = platform.fetch("antelope").text
    deploy_worker(platform, "antelope", HELLO)
    split = platform.fetch("zebra").text

    assert (joined, split) == ("3", "4")


def test_runs_are_kept_when_groups_join_and_split(platform: Platform) -> None:
    deploy_workflow(platform, "yak")
    instance = start_run(platform, "yak", wait=True)
    wait_for_status(platform, "yak", instance, "waiting")

    deploy_worker(platform, "bison", HELLO, {"type": "service", "name": "S", "service": "yak"})
    assert run_status(platform, "yak", instance) == "waiting"
    deploy_worker(platform, "bison", HELLO)
    send_event(platform, "yak", instance)

    wait_for_output(platform, "yak", instance)


def test_code_that_no_longer_has_its_workflow_deploys(platform: Platform) -> None:
    deploy_workflow(platform, "dropped-class")
    instance = start_run(platform, "dropped-class", sleep="1 hour")
    wait_for_status(platform, "dropped-class", instance, "waiting")

    deploy_worker(platform, "dropped-class", HELLO)

    assert platform.fetch("dropped-class").text == "hello"
    assert run_status(platform, "dropped-class", instance) == "waiting"


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


def test_a_failed_deploy_leaves_the_joined_group_unchanged(platform: Platform) -> None:
    binding = namespace_binding(create_namespace(platform, "kept"))
    deploy_worker(platform, "sound", COUNTER, binding)
    assert platform.fetch("sound").text == "1"

    error_code = _failed_upload(platform, "rotten", binding)

    assert error_code == 10021
    assert platform.fetch("sound").text == "2"


def _failed_upload(platform: Platform, name: str, binding: Binding) -> int:
    code = "throw new Error('rotten'); export default {}"
    return error_codes(upload(platform, name, code, binding))[0]

from __future__ import annotations

import pytest

from deployments.pipeline.stages import HAPPY_PATH, Action, Stage, Status

REFERENCE = """
{"stage":"INITIALIZING","message":"Preparing deployment...","progress":5}
{"stage":"GENERATING_CODE","message":"Transpiling TypeScript...","progress":15}
{"stage":"CODE_READY","message":"Code compiled","progress":25}
{"stage":"DETECTING_BINDINGS","message":"Analyzing workflow bindings...","progress":35}
{"stage":"BINDINGS_READY","message":"Bindings configured","progress":45}
{"stage":"CREATING_WORKER","message":"Creating Cloudflare Worker...","progress":55}
{"stage":"DEPLOYING","message":"Deploying to Cloudflare...","progress":65}
{"stage":"WORKER_DEPLOYED","message":"Worker deployed","progress":80}
{"stage":"UPDATING_WORKFLOW","message":"Updating workflow configuration...","progress":90}
{"stage":"COMPLETED","message":"Deployment successful","progress":100}
"""


def test_the_stages_match_the_reference() -> None:
    messages = [
        f'{{"stage":"{stage}","message":"{stage.message}","progress":{stage.percent}}}'
        for stage in HAPPY_PATH
    ]

    assert messages == REFERENCE.split("\n")[1:-1]


@pytest.mark.parametrize("action", Action)
def test_each_stage_follows_the_one_before(action: Action) -> None:
    assert [action.before(stage) for stage in action.path] == ["", *action.path[:-1]]
    assert action.path[-1] is Stage.COMPLETED


def test_a_deploy_enters_all_stages_with_the_messages_of_the_reference() -> None:
    assert Action.DEPLOY.path == HAPPY_PATH
    assert [Action.DEPLOY.message(stage) for stage in HAPPY_PATH] == [
        stage.message for stage in HAPPY_PATH
    ]


@pytest.mark.parametrize("status", Status)
def test_only_queued_and_running_are_not_final(status: Status) -> None:
    assert status.is_final == (status not in (Status.QUEUED, Status.RUNNING))


def test_only_completed_and_failed_are_last() -> None:
    assert [stage for stage in Stage if stage.is_last] == [Stage.COMPLETED, Stage.FAILED]

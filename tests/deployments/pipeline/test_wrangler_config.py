"""wrangler.json, validated by the real wrangler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployments.pipeline.config.bindings import Binding
from deployments.pipeline.config.wrangler_config import MAIN, wrangler_config
from tests.support.patience import PATIENCE
from toolchain import process
from toolchain.node_tools import NODE, WRANGLER
from workflows.ir.deploy.deploy_settings import DeploySettings
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.bindings import BindingKind

WORKER = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {}
export default { fetch: () => new Response("hello") };
"""


def one_of_each() -> list[Binding]:
    """A binding of every kind, named as Cloudflare names them."""
    own = Binding(
        name="WORKFLOW", kind=BindingKind.WORKFLOW, resource="awaitstep-abc", class_name="Flow"
    )
    other = Binding(
        name="CHILD_XYZ",
        kind=BindingKind.WORKFLOW,
        resource="awaitstep-xyz",
        class_name="Other",
        script="awaitstep-xyz",
    )
    kinds = [kind for kind in BindingKind if kind is not BindingKind.WORKFLOW]
    named = [
        Binding(name=f"MY_{kind.name}", kind=kind, resource=f"my-{kind.value}") for kind in kinds
    ]
    return [own, other, *named]


def config(*bindings: Binding) -> dict[str, Any]:
    return triggered(Trigger(), *bindings)


def triggered(trigger: Trigger, *bindings: Binding) -> dict[str, Any]:
    return wrangler_config(
        worker_name="awaitstep-abc",
        variables={"A": "1"},
        bindings=bindings,
        trigger=trigger,
        settings=DeploySettings(),
    )


def dry_run(folder: Path, written: dict[str, Any]) -> process.ProgramResult:
    (folder / MAIN).write_text(WORKER)
    (folder / "wrangler.json").write_text(json.dumps(written))
    env = process.environment(home=folder, CI="1", NO_COLOR="1", WRANGLER_SEND_METRICS="false")
    arguments: list[str | Path] = [NODE, WRANGLER, "deploy", "--dry-run", "--strict"]
    return process.run(arguments, cwd=folder, env=env, timeout=PATIENCE)


def test_wrangler_accepts_every_kind_of_binding_without_a_warning(tmp_path: Path) -> None:
    bindings = one_of_each()

    done = dry_run(tmp_path, config(*bindings))

    printed = done.stdout + done.stderr
    assert done.exit_code == 0, printed
    assert "WARNING" not in printed, printed
    for binding in bindings:
        assert f"env.{binding.name} " in printed


def test_a_queue_is_a_producer_and_a_single_kind_has_no_list() -> None:
    written = config(*one_of_each())

    assert written["queues"] == {"producers": [{"binding": "MY_QUEUE", "queue": "my-queue"}]}
    assert written["ai"] == {"binding": "MY_AI"}
    assert written["browser"] == {"binding": "MY_BROWSER"}
    assert written["send_email"] == [{"name": "MY_EMAIL"}]


def test_only_a_schedule_has_a_cron(tmp_path: Path) -> None:
    weekly = triggered(Trigger(kind="cron", expression="0 8 * * MON"))

    assert weekly["triggers"] == {"crons": ["0 8 * * MON"]}
    assert config()["triggers"] == {"crons": []}
    assert dry_run(tmp_path, weekly).exit_code == 0


def test_a_queue_consumer_has_its_own_settings(tmp_path: Path) -> None:
    producer = Binding(name="MY_QUEUE", kind=BindingKind.QUEUE, resource="orders")

    written = triggered(Trigger(kind="queue", queue="orders"), producer)

    (consumer,) = written["queues"]["consumers"]
    assert consumer["queue"] == "orders"
    assert consumer["max_batch_timeout"] <= 5
    assert written["queues"]["producers"] == [{"binding": "MY_QUEUE", "queue": "orders"}]
    done = dry_run(tmp_path, written)
    assert done.exit_code == 0
    assert "WARNING" not in done.stdout + done.stderr


def test_only_a_workflow_of_another_worker_has_a_script_name() -> None:
    own, other = config(*one_of_each())["workflows"]

    assert own == {"binding": "WORKFLOW", "name": "awaitstep-abc", "class_name": "Flow"}
    assert other["script_name"] == "awaitstep-xyz"


@pytest.mark.parametrize("section", ["workflows", "queues", "kv_namespaces", "ai"])
def test_a_worker_without_bindings_has_no_sections(section: str) -> None:
    assert section not in config()

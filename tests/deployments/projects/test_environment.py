"""Variables, secrets and bindings of projects: those of the workflow go before the configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments.pipeline.stages import Stage, Status
from targets.cloudflare.errors import Cause
from targets.models import Target
from tests.deployments.projects.examples import (
    code,
    deployed,
    files,
    last_stage,
    refused,
    replaced,
)
from tests.local_cloudflare.support.workers import create_namespace, deploy_workflow
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target
from workflows.models import Workflow
from workflows.projects import import_project
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

SECRET = "3kq-secret-of-a-project"


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def project(name: str, fetched: str, more: str) -> Workflow:
    return import_project(files(name, code(fetched=fetched), more))


def answer(platform: Platform, worker: str) -> Any:
    got = platform.fetch(worker)
    assert got.status_code == 200, got.text
    return got.json()


def test_values_of_vars_keep_their_types(target: Target, platform: Platform) -> None:
    workflow = project(
        "vars", "return [env.NAME, env.LIMITS];", '[vars]\nNAME = "ada"\nLIMITS = { most = 3 }\n'
    )

    done = deployed(workflow, target)

    assert answer(platform, done.worker_name) == ["ada", {"most": 3}]


def test_a_variable_goes_before_vars_and_the_deployment_says_so(
    target: Target, platform: Platform
) -> None:
    workflow = project(
        "overridden", "return [env.NAME, env.KEPT];", '[vars]\nNAME = "file"\nKEPT = "file"\n'
    )
    set_variable("NAME", "variable", workflow=workflow)

    done = deployed(workflow, target)

    assert answer(platform, done.worker_name) == ["variable", "file"]
    (warning,) = [each for each in done.warnings if "NAME" in str(each)]
    assert "The Worker gets the value of the variable." in str(warning)


def test_a_global_variable_is_sent_if_a_file_mentions_it(
    target: Target, platform: Platform
) -> None:
    set_variable("SHARED_URL", "https://example.com")
    set_variable("UNUSED_URL", "https://example.org")

    done = deployed(project("globals", "return [env.SHARED_URL, Object.keys(env)];", ""), target)

    url, names = answer(platform, done.worker_name)
    assert url == "https://example.com"
    assert "UNUSED_URL" not in names


def test_secrets_reach_the_worker_and_nothing_that_is_stored(
    target: Target, platform: Platform
) -> None:
    workflow = project("secrets", "return env.TOKEN.length;", '[vars]\nTOKEN = "placeholder"\n')
    set_variable("TOKEN", SECRET, workflow=workflow, is_secret=True)

    done = deployed(workflow, target)

    assert answer(platform, done.worker_name) == len(SECRET)
    assert done.secret_names == ["TOKEN"]
    assert "TOKEN" not in json.loads(done.wrangler_json)["vars"]
    stored = [str(value) for value in vars(done).values()]
    stored += [str(vars(record)) for record in done.records.all()]
    assert SECRET not in "".join(stored)


@pytest.mark.long
def test_the_variable_of_a_binding_goes_before_the_id_in_the_configuration(
    target: Target, platform: Platform
) -> None:
    first, second = (create_namespace(platform, f"project-{name}") for name in ("one", "two"))
    kv = f'[[kv_namespaces]]\nbinding = "CACHE"\nid = "{first}"\n'
    workflow = project("bound", "await env.CACHE.put('k', 'v'); return 1;", kv)
    assert resource(deployed(workflow, target), "CACHE") == first

    set_variable("CACHE_BINDING_ID", second, workflow=workflow)

    done = deployed(workflow, target)
    assert resource(done, "CACHE") == second
    assert answer(platform, done.worker_name) == 1


def resource(deployment: Any, name: str) -> str:
    (found,) = [each["resource"] for each in deployment.resources if each["name"] == name]
    return str(found)


def test_a_resource_that_does_not_exist_is_reported_with_the_way_out(target: Target) -> None:
    missing = "0" * 32
    kv = f'[[kv_namespaces]]\nbinding = "CACHE"\nid = "{missing}"\n'
    workflow = project("unbound", "return 1;", kv)

    failed = refused(workflow, target)

    assert last_stage(failed) == Stage.DETECTING_BINDINGS
    assert failed.cause == Cause.ENVIRONMENT
    assert "set CACHE_BINDING_ID, or correct wrangler.toml, line 10" in failed.message
    set_variable("CACHE_BINDING_ID", missing, workflow=workflow)
    assert "on this target: correct CACHE_BINDING_ID." in refused(workflow, target).message


def test_a_binding_without_an_id_needs_a_variable(target: Target) -> None:
    failed = refused(project("d1", "return 1;", '[[d1_databases]]\nbinding = "DB"\n'), target)

    assert "Set the variable DB_BINDING_ID" in failed.message
    assert "wrangler.toml, line 10" in failed.message


def test_queues_of_the_configuration_must_exist_on_an_account(target: Target) -> None:
    queue = '[[queues.producers]]\nbinding = "JOBS"\nqueue = "no-such-queue"\n'

    failed = refused(project("queues", "return 1;", queue), target)

    assert 'There is no queue "no-such-queue" on this target' in failed.message


def test_the_name_of_a_workflow_that_another_worker_has_is_refused(
    target: Target, platform: Platform
) -> None:
    deploy_workflow(platform, "taken-by-worker")

    failed = refused(files("taken-by-worker"), target)

    assert failed.cause == Cause.TAKEN
    assert "The Workflow taken-by-worker belongs to the Worker taken-by-worker" in failed.message
    assert "rename the Workflow in the configuration" in failed.message


def test_the_name_of_a_workflow_of_another_project_is_refused(target: Target) -> None:
    first = deployed(files("taken-by-project"), target)

    failed = refused(files("taken-by-project"), target)

    assert f"belongs to the Worker {first.worker_name}" in failed.message


def test_a_workflow_of_a_project_cannot_have_the_name_of_another_workflow(target: Target) -> None:
    """Its runs would be shown as those of the other one, with the secrets of the other one masked."""
    failed = refused(files("awaitstep-another"), target)

    assert failed.cause == Cause.TAKEN
    assert "Names that begin with awaitstep- are reserved" in failed.message


def test_a_workflow_of_a_project_can_have_the_name_of_its_worker(target: Target) -> None:
    workflow = import_project(files("small"))
    own = files(f"awaitstep-{workflow.pk}")

    assert deployed(replaced(workflow, own), target).state is Status.SUCCEEDED

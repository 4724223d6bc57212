"""What is never shown in a run: values that secrets have or had."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from pytest_django import Settings

from deployments.models import ProgramOutput
from runs.detail import fetch
from runs.index import later_secrets, writer
from runs.index.listing import Filters, filtered
from runs.logs.consumer import _secrets
from runs.models import Run, RunDetails, RunStep, RunText, max_length
from runs.steps.masking import redact_run
from tests.audit.test_encrypted_fields import use_keys
from tests.deployments.factories import make_deployment, make_workflow
from tests.runs.examples import attempted_step, live_deployment, make_run, workflow_of
from toolchain.redaction import MASK
from workflows.models import EnvironmentVariable, MaskedValue
from workflows.services import set_variable

pytestmark = pytest.mark.django_db
OLD, NEW = "the-old-sentinel", "the-new-sentinel"


def leaking(secret: str) -> dict[str, Any]:
    """A run whose code and caller put the secret wherever they can."""
    step = attempted_step((0, 1, False), name=f"call {secret}-1", output={secret: [secret]})
    step["error"] = {"name": secret, "message": f"no {secret}"}
    return {
        "status": "errored",
        "params": {secret: {"list": [secret]}},
        "output": {secret: 1, "text": f"<{secret}>"},
        "error": {"name": "Error", "message": secret},
        "steps": [step],
    }


def stored(run: Run) -> str:
    """Index a run that leaks OLD and NEW, open its page and return everything that was kept."""
    RunDetails.objects.all().delete()
    data = leaking(OLD) | {"params": {NEW: NEW}}
    writer.apply_details(run, data, secrets=writer.secrets_of(run))
    RunDetails.objects.update_or_create(
        run=run, defaults={"data": redact_run(data, writer.secrets_of(run))}
    )
    kept = [*RunText.objects.values(), *RunDetails.objects.values(), *RunStep.objects.values()]
    return f"{kept} {run.error}"


@pytest.fixture
def run() -> Run:
    run = make_run()
    set_variable("TOKEN", OLD, workflow=workflow_of(run), is_secret=True)
    return run


def test_the_old_value_of_a_secret_stays_masked_when_it_changes(run: Run) -> None:
    set_variable("TOKEN", NEW, workflow=workflow_of(run))

    assert "sentinel" not in stored(run)


def test_a_secret_stays_masked_when_its_variable_is_deleted(run: Run) -> None:
    set_variable("TOKEN", NEW, workflow=workflow_of(run))
    EnvironmentVariable.objects.all().delete()

    assert "sentinel" not in stored(run)


def test_a_global_secret_stays_masked_when_it_changes(run: Run) -> None:
    EnvironmentVariable.objects.all().delete()
    MaskedValue.objects.all().delete()
    set_variable("TOKEN", OLD, is_secret=True)
    set_variable("TOKEN", NEW)

    assert "sentinel" not in stored(run)


def test_a_secret_stays_masked_when_its_workflow_is_deleted(run: Run) -> None:
    set_variable("TOKEN", NEW, workflow=workflow_of(run))
    workflow_of(run).delete()
    run.refresh_from_db()

    assert "sentinel" not in stored(run)
    assert run.deployment
    run.deployment.refresh_from_db()
    assert {OLD, NEW} <= _secrets(run.deployment)


def test_a_secret_that_is_passed_to_another_workflow_is_masked_there(run: Run) -> None:
    set_variable("TOKEN", NEW, workflow=workflow_of(run))
    called = make_workflow()
    other = make_run(make_deployment(workflow=called, target=run.target))

    assert "sentinel" not in stored(other)


def test_a_short_secret_is_not_masked_in_other_workflows(run: Run) -> None:
    set_variable("MODE", "testing", workflow=workflow_of(run), is_secret=True)
    other = make_run(make_deployment(workflow=make_workflow(), target=run.target))

    assert "testing" in writer.secrets_of(run)
    assert "testing" not in writer.secrets_of(other)


def test_keys_and_numbers_of_a_run_are_masked() -> None:
    run = make_run()
    for name, value in {"TOKEN": OLD, "PIN": "00481516"}.items():
        set_variable(name, value, workflow=workflow_of(run), is_secret=True)
    data = leaking(OLD) | {"output": {"n": 481516, OLD: 1}}

    shown = redact_run(data, writer.secrets_of(run))

    assert OLD not in str(shown)
    assert shown["output"] == {"n": MASK, MASK: 1}
    assert shown["steps"][0]["output"] == {MASK: [MASK]}
    assert shown["steps"][0]["name"] == f"call {MASK}-1"


def test_a_secret_does_not_hide_what_the_target_says_about_a_run() -> None:
    step = attempted_step((0, 1, True), output="step")
    run = {
        "status": "running",
        "start": "2026-01-01T12:00:00Z",
        "params": "running",
        "steps": [step],
    }

    shown = redact_run(run, ["running", "status", "2026", "step", "steps"])

    assert shown == run | {"params": MASK, "steps": [{**step, "output": MASK}]}


def test_a_copy_is_masked_again_for_a_value_that_has_become_a_secret() -> None:
    run = make_run()
    RunDetails.objects.create(run=run, data=leaking(OLD))

    set_variable("TOKEN", OLD, workflow=workflow_of(run), is_secret=True)

    assert "sentinel" not in str(fetch.fetch_run(run).data)


def test_a_deployment_hides_a_value_that_has_become_a_secret(admin_client: Client) -> None:
    config = f'{{"vars": {{"TOKEN": "{OLD}"}}}}'
    deployment = live_deployment(variables={"TOKEN": OLD}, wrangler_json=config)

    printed = f'env.TOKEN ("{OLD}")'
    output = ProgramOutput.objects.create(
        deployment=deployment, program="wrangler", seconds=1, text=printed
    )

    set_variable("TOKEN", OLD, workflow=deployment.workflow, is_secret=True)

    for tab in ("variables", "wrangler-json", "output", f"output/{output.pk}"):
        page = admin_client.get(f"/deployments/{deployment.pk}/{tab}/").content.decode()
        assert ("sentinel" in page, MASK in page) == (False, True)


def test_a_value_is_kept_once_and_encrypted(run: Run) -> None:
    for value in (OLD, NEW, OLD):
        set_variable("TOKEN", value, workflow=workflow_of(run))

    rows = list(MaskedValue.objects.order_by("pk"))
    assert [row.value for row in rows] == [OLD, NEW]
    assert all("sentinel" not in row for row in MaskedValue.objects.values_list("value", flat=True))


def test_a_former_value_whose_key_is_lost_stops_neither_pages_nor_a_rotation(
    run: Run, settings: Settings
) -> None:
    use_keys(settings, Fernet.generate_key().decode())
    EnvironmentVariable.objects.all().delete()
    run.target.api_token = "entered-again"
    run.target.save()
    MaskedValue.objects.remember(run.workflow_id, [NEW])

    call_command("rotate_encryption_key", stdout=StringIO())

    assert NEW in writer.secrets_of(run)


def kept() -> str:
    """Return everything that is stored about runs."""
    models = (Run, RunText, RunDetails, RunStep)
    return str([list(model._default_manager.values()) for model in models])


def mask_everything() -> None:
    while later_secrets.mask_next():
        pass


def test_stored_runs_are_masked_for_a_value_that_has_become_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(later_secrets, "BATCH", 2)
    deployment = make_deployment()
    runs = [make_run(deployment, instance_id=f"run-{number}") for number in range(3)]
    Run.objects.update(waits_for=OLD)
    for run in runs:
        writer.apply_details(run, leaking(OLD), secrets=[])
        RunDetails.objects.create(run=run, data=leaking(OLD))
    assert kept().count(OLD) > len(runs)

    set_variable("TOKEN", OLD, workflow=workflow_of(runs[0]), is_secret=True)
    mask_everything()

    assert OLD not in kept()
    assert list(filtered(Filters(q=OLD))) == []
    assert RunDetails.objects.filter(data__status="errored").count() == len(runs)


def test_the_next_secret_is_masked_from_the_first_run_on(run: Run) -> None:
    mask_everything()
    writer.apply_details(run, leaking(NEW), secrets=[])

    set_variable("TOKEN", NEW, workflow=workflow_of(run), is_secret=True)
    mask_everything()

    assert NEW not in kept()
    assert not later_secrets.mask_next()


def test_a_later_short_secret_is_masked_only_in_its_own_workflow(run: Run) -> None:
    other = make_run(make_deployment(workflow=make_workflow(), target=run.target))
    for each in (run, other):
        writer.apply_details(each, leaking("testing"), secrets=[])

    set_variable("MODE", "testing", workflow=workflow_of(run), is_secret=True)
    mask_everything()

    assert "testing" not in RunText.objects.get(run=run).params
    assert "testing" in RunText.objects.get(run=other).params


def test_the_start_of_a_later_secret_is_masked_where_its_text_was_truncated() -> None:
    run = make_run()
    error = "x" * (max_length(Run, "error") - 20) + OLD
    data = leaking("-") | {"error": {"name": "Error", "message": error}}
    writer.apply_details(run, data, secrets=[])
    run.refresh_from_db()
    assert run.error.endswith(OLD[:13])

    set_variable("TOKEN", OLD, workflow=workflow_of(run), is_secret=True)
    mask_everything()

    run.refresh_from_db()
    assert run.error.endswith(f"x{MASK}")


@pytest.mark.parametrize(
    ("model", "name"),
    [(Run, "error"), (Run, "waits_for"), (RunStep, "name"), (RunStep, "label")],
)
def test_the_length_of_its_field_shows_where_a_text_was_truncated(
    monkeypatch: pytest.MonkeyPatch, model: type[Model], name: str
) -> None:
    run = make_run()
    writer.apply_details(run, leaking("-"), secrets=[])
    monkeypatch.setattr(model._meta.get_field(name), "max_length", 30)
    model._default_manager.update(**{name: "x" * 20 + OLD[:10]})

    set_variable("TOKEN", OLD, workflow=workflow_of(run), is_secret=True)
    mask_everything()

    assert getattr(model._default_manager.get(), name) == "x" * 20 + MASK


def test_a_value_that_becomes_a_secret_while_a_run_is_read_is_masked(run: Run) -> None:
    secrets = writer.secrets_of(run)
    set_variable("TOKEN", NEW, workflow=workflow_of(run), is_secret=True)

    writer.apply_details(run, leaking(NEW), secrets=secrets)

    assert NEW not in kept()

"""Starting a deployment, as both ways to deploy do: one that waits for the end, and one that streams the stages."""

from __future__ import annotations

from api.conventions.callers import Caller
from api.conventions.errors import as_conflict
from api.conventions.problems import ApiError
from api.lookup import target_for, workflow_for
from api.schemas.events import StreamedDeployment
from deployments.models import Deployment
from deployments.queue.enqueue import Busy
from deployments.services.deploy import request_deployment
from targets.policy import Consent
from web.converters import read_key
from workflows.models import Workflow


def start_deployment(
    caller: Caller, workflow_id: str, body: StreamedDeployment, *, overwrite: bool = False
) -> Deployment:
    """Enqueue a deployment of the newest version. Raises ApiError, and what `request_deployment` raises."""
    workflow = workflow_for(caller, workflow_id)
    _check_config(workflow, body)
    target = target_for(caller, id_=body.connection_id, name=body.target)
    consent = Consent(
        name=body.confirm,
        overwrite=overwrite,
        freeze_reason=body.override_freeze,
        tests_reason=body.override_tests,
    )
    with as_conflict(Busy):
        return request_deployment(
            workflow,
            target=target,
            by=caller.actor,
            consent=consent,
            version=_number(body.version_id),
        )


def _number(version_id: str | None) -> int | None:
    """Return the number of a version from its id, which is the number as text."""
    number = read_key(version_id) if version_id else None
    if version_id and number is None:
        raise ApiError(400, "versionId must be the id of a version.")
    return number


def _check_config(workflow: Workflow, body: StreamedDeployment) -> None:
    """Refuse settings that differ from those of the version, which are what is deployed."""
    settings = workflow.newest_version.deploy_settings if body.config else {}
    for name, value in (body.config or {}).items():
        given, own = ([value], "routes") if name == "route" else (value, name)
        if given != settings.get(own):
            raise ApiError(
                400,
                f"config.{name} differs from the newest version. Change deployConfig of the workflow, "
                "and save a version.",
            )

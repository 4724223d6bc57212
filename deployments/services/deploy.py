"""Requests deployments; the admin, the pages, the API and the commands all use these functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.contrib.auth import get_user_model
from django.db import transaction

from audit import trail
from audit.trail import SYSTEM, Actor, Subject
from deployments.history import records, tested_versions
from deployments.models import Deployment
from deployments.permissions import DEPLOY
from deployments.pipeline.stages import Action
from deployments.queue import tasks
from deployments.queue.enqueue import enqueue
from deployments.services import required_tests
from targets import policy
from targets.cloudflare.naming import worker_name
from targets.lookup import default_target
from targets.models import Target
from targets.policy import Consent
from web.transaction_locks import lock_until_commit
from workflows.models import ARCHIVED, Workflow
from workflows.node_types.registered import snapshot

_NO_CONSENT = Consent()
LONGEST_REASON = 2000  # characters


def request_deployment(
    workflow: Workflow,
    *,
    target: Target | None = None,
    by: Actor = SYSTEM,
    consent: Consent = _NO_CONSENT,
    version: int | None = None,
) -> Deployment:
    """Enqueue a deployment of the workflow's newest version.

    With `version`, it is refused if that is no longer the newest version.

    At most one waits per workflow and target: a waiting one ends as superseded. Raises NoTarget if
    there is no target, Refused if the workflow is archived or the target's rules forbid it, Busy if a
    rollback is waiting. If the target requires tests, they run first, which can take seconds.
    """
    target = target or default_target()
    tests = None
    if target.requires_tests:
        _check_allowed(workflow, target, by=by, consent=consent, version=version)
        tests = required_tests.run_required(workflow, target, by=by)
        target, by = _as_they_are_now(target, by)
    if tests:
        required_tests.check(tests, target, by=by, consent=consent)
        version = tests.version.number

    def make() -> Deployment:
        lock_until_commit("archiving", workflow.pk)
        _check_not_archived(workflow)
        policy.check(target, workflow, by=by, consent=consent)
        deployment = draft_deployment(workflow, target)
        _check_version(deployment.version_number, version)
        deployment.overwrite = consent.overwrite
        deployment.required_tests = tests.as_rows() if tests else None
        reason = _reason(tests, target, by=by, consent=consent)
        return with_requester(deployment, by=by, reason=reason, consent=consent)

    return enqueue_and_record(make, "deployment requested", by=by)


def _reason(
    tests: required_tests.Results | None, target: Target, *, by: Actor, consent: Consent
) -> str:
    """Return why rules of the target are overridden, and record it if tests are."""
    reason = consent.freeze_reason
    if tests is None or tests.have_passed:
        return reason
    required_tests.record_override(tests, target, by=by, reason=consent.tests_reason)
    return f"{reason} Required tests overridden: {consent.tests_reason.strip()}".strip()


def _as_they_are_now(target: Target, by: Actor) -> tuple[Target, Actor]:
    """Read the target and the user again; raises Refused if one was deleted, or may no longer deploy."""
    current = Target.objects.filter(pk=target.pk).first()
    if current is None:
        raise policy.Refused(f"The target {target.name} was deleted in the meantime.")
    if by.user is None:
        return current, by
    user = get_user_model().objects.filter(pk=by.user.pk).first()
    if user is None or not user.has_perm(DEPLOY):
        raise policy.Refused("You no longer have permission to deploy.")
    return current, replace(by, user=user)


def _check_not_archived(workflow: Workflow) -> None:
    if Workflow.objects.filter(pk=workflow.pk, archived_at__isnull=False).exists():
        raise policy.Refused(ARCHIVED)


def _check_allowed(
    workflow: Workflow, target: Target, *, by: Actor, consent: Consent, version: int | None
) -> None:
    """Raise Refused for any reason that is known without running the tests."""
    _check_not_archived(workflow)
    if refusal := policy.find_refusal(target, workflow, by=by, consent=consent):
        raise refusal
    _check_version(workflow.newest_version.number, version)


def _check_version(newest: int, version: int | None) -> None:
    if version is not None and version != newest:
        raise policy.Refused(
            f"v{version} is not the newest version: the workflow has v{newest} now. Look at what it "
            "would change, then deploy it."
        )


def request_snapshot(
    earlier: Deployment,
    *,
    by: Actor = SYSTEM,
    consent: Consent = _NO_CONSENT,
) -> Deployment:
    """Enqueue a redeploy of an earlier snapshot, with the current variables and secrets.

    Raises the same errors as `request_deployment`. No tests are run: if the target requires them, the
    version must have passed them or been live on it.
    """
    target, workflow = target_and_workflow(earlier)

    def make() -> Deployment:
        lock_until_commit("archiving", workflow.pk)
        _check_not_archived(workflow)
        policy.check(target, workflow, by=by, consent=consent)
        required_tests.check_snapshot(earlier, target)
        deployment = records.copy_of(earlier, Action.DEPLOY, about=earlier)
        deployment.overwrite = consent.overwrite
        if tested_versions.has_passed(earlier):
            deployment.required_tests = earlier.required_tests
        reason = f"Redeploy of the snapshot of #{earlier.pk}."
        return with_requester(deployment, by=by, reason=reason, consent=consent)

    return enqueue_and_record(make, "deployment requested", by=by)


def target_and_workflow(deployment: Deployment) -> tuple[Target, Workflow]:
    """Return the deployment's target and workflow; raises Refused if one has been deleted."""
    workflow = Workflow.objects.filter(pk=deployment.workflow_id).first()
    if deployment.target is None or workflow is None:
        raise policy.Refused("The workflow or the target of that deployment has been deleted.")
    return deployment.target, workflow


def with_requester(
    deployment: Deployment, *, by: Actor, reason: str = "", consent: Consent = _NO_CONSENT
) -> Deployment:
    """Set who requested the deployment, and why."""
    deployment.overrides_freeze = bool(consent.freeze_reason.strip())
    deployment.requested_by = by.user
    deployment.requested_by_name = by.name
    deployment.reason = reason[:LONGEST_REASON]
    return deployment


def enqueue_and_record(make: Callable[[], Deployment], action: str, *, by: Actor) -> Deployment:
    """Enqueue the deployment and record it in the audit trail; raises Busy like `enqueue`."""
    with transaction.atomic():
        deployment = enqueue(make)
        detail = {"target": deployment.target_name, "workflow": deployment.workflow_public_id}
        trail.record(action, subject_of(deployment), by=by, reason=deployment.reason, **detail)
        transaction.on_commit(lambda: tasks.process_queue.enqueue())
    return deployment


def subject_of(deployment: Deployment) -> Subject:
    """Return the deployment as the subject of an audit entry."""
    return Subject("deployment", str(deployment.pk), str(deployment))


def draft_deployment(workflow: Workflow, target: Target) -> Deployment:
    """Return an unsaved deployment of the workflow's newest version."""
    version = workflow.newest_version
    return Deployment(
        workflow=workflow,
        workflow_public_id=workflow.pk,
        workflow_name=workflow.name,
        version_number=version.number,
        target=target,
        target_name=target.name,
        ir=version.ir,
        files=version.files,
        entry_code=version.entry_code,
        dependencies=version.dependencies,
        bindings=version.bindings,
        node_types=snapshot(version.ir),
        deploy_settings=version.deploy_settings,
        class_name=workflow.class_name,
        worker_name=worker_name(workflow.pk),
    )


def replaced_by(deployment: Deployment) -> Deployment | None:
    """Return the next deployment that changed what is live on the target, if there is one."""
    later = records.of_worker(deployment.workflow_public_id, deployment.target_id)
    later = later.filter(records.changed_what_is_live(), pk__gt=deployment.pk)
    return later.only("version_number", "action").order_by("pk").first()

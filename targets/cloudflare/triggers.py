"""The routes and triggers of a Worker on its target: read, set and remove them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import cloudflare

from targets.cloudflare import queues, zones
from targets.cloudflare.account import SCRIPTS_READ, SCRIPTS_WRITE, Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.worker_parts import Part, PartKind, Triggers, WorkflowPart
from targets.cloudflare.workflow_config import as_request, fixed_jurisdiction
from targets.cloudflare.zones import ROUTES_WRITE
from workflows.ir.deploy.deploy_settings import Consumer
from workflows.ir.deploy.route_patterns import host_of


def read(account: Account, worker: str, scope: Triggers) -> Triggers:
    """Return the Worker's triggers; only the zones, queues and Workflows of `scope` are read."""
    with account.explained("read the Worker's addresses and schedules", needs=SCRIPTS_READ):
        scripts, account_id = account.client.workers.scripts, account.account_id
        subdomain = scripts.subdomain.get(worker, account_id=account_id)
        schedules = scripts.schedules.get(worker, account_id=account_id)
    workflows = [each for each in map(account.workflow, sorted(scope.workflows)) if each]
    return Triggers(
        workflows={
            each.name: WorkflowPart(
                class_name=each.class_name, settings=account.workflow_settings(each.name)
            )
            for each in workflows
            if each.worker == worker
        },
        workers_dev=subdomain.enabled,
        preview_urls=subdomain.previews_enabled,
        routes=_routes(account, worker, scope),
        domains=_domains(account, worker, scope),
        crons=frozenset(str(schedule.cron) for schedule in schedules.schedules or []),
        consumers=_consumers(account, worker, scope),
    )


def _routes(account: Account, worker: str, scope: Triggers) -> dict[str, str]:
    ids = {zone: zones.zone_id(account, zone) for zone in sorted(scope.zones)}
    return {
        str(route.pattern): zone
        for zone, id_ in ids.items()
        if id_
        for route in zones.routes_in(account, id_)
        if route.script == worker
    }


def _domains(account: Account, worker: str, scope: Triggers) -> frozenset[str]:
    """Return the custom domains; a token without zone permissions may not list them."""
    try:
        return frozenset(str(each.hostname) for each in zones.domains_of_worker(account, worker))
    except DeployError:
        if scope.domains:
            raise
        return frozenset()


def _consumers(account: Account, worker: str, scope: Triggers) -> dict[str, Consumer]:
    consumers = (queues.consumer_settings(account, queue, worker) for queue in scope.consumers)
    return {consumer.queue: consumer for consumer in consumers if consumer}


def check_can_apply(account: Account, worker: str, part: Part, expected: Triggers) -> None:
    """Raise DeployError if another Worker has the part, or its zone or queue does not exist."""
    check = _CHECK.get(part.kind)
    if check:
        check(account, worker, part.name, expected)


def apply(account: Account, worker: str, part: Part, expected: Triggers) -> None:
    """Set the part to its expected state; raises DeployError if another Worker has it."""
    _APPLY[part.kind](account, worker, part.name, expected)


def remove(account: Account, worker: str, part: Part, previous: Triggers) -> None:
    """Remove the part unless another Worker has it; `previous` holds the zones of routes."""
    _REMOVE[part.kind](account, worker, part.name, previous)


def _check_workflow(account: Account, worker: str, name: str, expected: Triggers) -> None:
    """Cloudflare itself would move the Workflow and its runs to the Worker."""
    workflow = account.workflow(name)
    if workflow and workflow.worker != worker:
        message = f"The Workflow {name} belongs to the Worker {workflow.worker}."
        raise DeployError(message, cause=Cause.TAKEN)
    jurisdiction = expected.workflows[name].settings.jurisdiction
    if workflow and workflow.jurisdiction != jurisdiction:
        message = fixed_jurisdiction(name, workflow.jurisdiction, jurisdiction)
        raise DeployError(message, cause=Cause.JURISDICTION)


def _apply_workflow(account: Account, worker: str, name: str, expected: Triggers) -> None:
    _check_workflow(account, worker, name, expected)
    part = expected.workflows[name]
    with account.explained(f"assign the Workflow {name} to the Worker", needs=SCRIPTS_WRITE):
        account.client.workflows.update(
            name,
            account_id=account.account_id,
            class_name=part.class_name,
            script_name=worker,
            extra_body=as_request(part.settings),
        )


def _apply_subdomain(account: Account, worker: str, _name: str, expected: Triggers) -> None:
    with account.explained("set the Worker's workers.dev address", needs=SCRIPTS_WRITE):
        account.client.workers.scripts.subdomain.create(
            worker,
            account_id=account.account_id,
            enabled=expected.workers_dev,
            previews_enabled=expected.preview_urls,
        )


def _check_route(
    account: Account, worker: str, pattern: str, expected: Triggers
) -> tuple[str, Any]:
    """Return the id of the zone, and the route if it exists."""
    zone = zones.required_zone(account, expected.routes[pattern])
    route = next((each for each in zones.routes_in(account, zone) if each.pattern == pattern), None)
    owner = str(route.script or "") if route else ""
    if owner not in ("", worker):
        raise DeployError(f"The route {pattern} belongs to the Worker {owner}.", cause=Cause.TAKEN)
    return zone, route


def _apply_route(account: Account, worker: str, pattern: str, expected: Triggers) -> None:
    zone, route = _check_route(account, worker, pattern, expected)
    if route and route.script == worker:
        return
    with account.explained(f"create the route {pattern}", needs=ROUTES_WRITE):
        routes = account.client.workers.routes
        if route:  # a pattern without a Worker
            routes.update(route.id, zone_id=zone, pattern=pattern, script=worker)
        else:
            routes.create(zone_id=zone, pattern=pattern, script=worker)


def _check_domain(account: Account, worker: str, domain: str, _expected: Triggers) -> str:
    """Return the id of the domain's zone."""
    owner = next((str(each.service) for each in zones.find_domains(account, domain)), "")
    if owner not in ("", worker):
        raise DeployError(
            f"The custom domain {domain} belongs to the Worker {owner}.", cause=Cause.TAKEN
        )
    zone = zones.zone_of_host(account, domain)
    if not zone:
        message = f"The account has no zone for the custom domain {domain}."
        raise DeployError(message, cause=Cause.ROUTING)
    return zone


def _apply_domain(account: Account, worker: str, domain: str, expected: Triggers) -> None:
    zone = _check_domain(account, worker, domain, expected)
    with account.explained(f"set the custom domain {domain}", needs=ROUTES_WRITE):
        account.client.workers.domains.update(
            account_id=account.account_id, hostname=domain, service=worker, zone_id=zone
        )


def _apply_schedule(account: Account, worker: str, _name: str, expected: Triggers) -> None:
    _set_schedules(account, worker, sorted(expected.crons))


def _set_schedules(account: Account, worker: str, crons: list[str]) -> None:
    with account.explained("set the Worker's schedules", needs=SCRIPTS_WRITE):
        account.client.workers.scripts.schedules.update(
            worker, account_id=account.account_id, body=[{"cron": cron} for cron in crons]
        )


def _check_queue(account: Account, worker: str, queue: str, _expected: Triggers) -> None:
    queues.require_free(account, queue, worker)


def _apply_queue(account: Account, worker: str, queue: str, expected: Triggers) -> None:
    queues.set_consumer(account, worker, expected.consumers[queue])


def _remove_route(account: Account, worker: str, pattern: str, previous: Triggers) -> None:
    name = previous.routes.get(pattern)  # unknown if the route was not created by us
    host = host_of(pattern).lstrip("*.")
    zone = zones.zone_id(account, name) if name else zones.zone_of_host(account, host)
    for route in zones.routes_in(account, zone) if zone else ():
        if (route.pattern, route.script) == (pattern, worker):
            with account.explained(f"remove the route {pattern}", needs=ROUTES_WRITE):
                _delete(partial(account.client.workers.routes.delete, zone_id=zone), route.id)


def _remove_domain(account: Account, worker: str, domain: str, _previous: Triggers) -> None:
    for custom_domain in zones.find_domains(account, domain):
        if custom_domain.service == worker:
            with account.explained(f"remove the custom domain {domain}", needs=ROUTES_WRITE):
                delete = partial(
                    account.client.workers.domains.delete, account_id=account.account_id
                )
                _delete(delete, custom_domain.id)


def _delete(delete: Callable[[str], Any], id_: str) -> None:
    with suppress(cloudflare.NotFoundError):
        delete(id_)


def _remove_schedule(account: Account, worker: str, _name: str, _previous: Triggers) -> None:
    _set_schedules(account, worker, [])


def _remove_queue(account: Account, worker: str, queue: str, _previous: Triggers) -> None:
    queues.remove_consumer(account, queue, worker)


def _keep(_account: Account, _worker: str, _name: str, _previous: Triggers) -> None:
    """Do nothing: the workers.dev setting always exists, and a Workflow keeps its runs."""


_CHECK: dict[PartKind, Callable[[Account, str, str, Triggers], object]] = {
    PartKind.WORKFLOW: _check_workflow,
    PartKind.ROUTE: _check_route,
    PartKind.DOMAIN: _check_domain,
    PartKind.QUEUE: _check_queue,
}
_APPLY: dict[PartKind, Callable[[Account, str, str, Triggers], None]] = {
    PartKind.WORKFLOW: _apply_workflow,
    PartKind.SUBDOMAIN: _apply_subdomain,
    PartKind.ROUTE: _apply_route,
    PartKind.DOMAIN: _apply_domain,
    PartKind.SCHEDULE: _apply_schedule,
    PartKind.QUEUE: _apply_queue,
}
_REMOVE: dict[PartKind, Callable[[Account, str, str, Triggers], None]] = {
    PartKind.WORKFLOW: _keep,
    PartKind.SUBDOMAIN: _keep,
    PartKind.ROUTE: _remove_route,
    PartKind.DOMAIN: _remove_domain,
    PartKind.SCHEDULE: _remove_schedule,
    PartKind.QUEUE: _remove_queue,
}

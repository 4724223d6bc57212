"""What leads to a Worker, read from the target and put in order there, through the official SDK."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import cloudflare

from targets.cloudflare import queues, zones
from targets.cloudflare.account import SCRIPTS_READ, SCRIPTS_WRITE, Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.worker_parts import Part, PartKind, Triggers
from targets.cloudflare.zones import ROUTES_WRITE
from workflows.ir.deploy.deploy_settings import Consumer
from workflows.ir.deploy.route_patterns import host_of


def read(account: Account, worker: str, scope: Triggers) -> Triggers:
    """Return what leads to the Worker; of zones and queues only those that `scope` names are asked."""
    with account.explained("read the Worker's addresses and schedules", needs=SCRIPTS_READ):
        scripts, mine = account.client.workers.scripts, account.account_id
        subdomain = scripts.subdomain.get(worker, account_id=mine)
        schedules = scripts.schedules.get(worker, account_id=mine)
    owned = [one for one in map(account.workflow, sorted(scope.workflows)) if one]
    return Triggers(
        workflows={one.name: one.class_name for one in owned if one.worker == worker},
        workers_dev=subdomain.enabled,
        preview_urls=subdomain.previews_enabled,
        routes=_routes(account, worker, scope),
        domains=_domains(account, worker, scope),
        crons=frozenset(str(one.cron) for one in schedules.schedules or []),
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
    """A token that was made for Workers alone may not list domains: none are asked for then."""
    try:
        return frozenset(str(one.hostname) for one in zones.domains_of_worker(account, worker))
    except DeployError:
        if scope.domains:
            raise
        return frozenset()


def _consumers(account: Account, worker: str, scope: Triggers) -> dict[str, Consumer]:
    known = {queue: queues.consumer_settings(account, queue, worker) for queue in scope.consumers}
    return {queue: consumer for queue, consumer in known.items() if consumer}


def check_can_apply(account: Account, worker: str, part: Part, wanted: Triggers) -> None:
    """Raise DeployError where the part cannot be put: another Worker has it, or its place is gone."""
    place = _PLACES.get(part.kind)
    if place:
        place(account, worker, part.name, wanted)


def apply(account: Account, worker: str, part: Part, wanted: Triggers) -> None:
    """Make the part what it is meant to be; raises DeployError where another Worker has it."""
    _PUT[part.kind](account, worker, part.name, wanted)


def remove(account: Account, worker: str, part: Part, previous: Triggers) -> None:
    """Have the part lead to the Worker no more; what leads elsewhere stays.

    `previous` has the zones of routes.
    """
    _REMOVE[part.kind](account, worker, part.name, previous)


def _check_workflow(account: Account, worker: str, name: str, _wanted: Triggers) -> None:
    """Cloudflare gives a Workflow to whoever asks last, runs and all."""
    there = account.workflow(name)
    if there and there.worker != worker:
        message = f"The Workflow {name} belongs to the Worker {there.worker}."
        raise DeployError(message, cause=Cause.TAKEN)


def _put_workflow(account: Account, worker: str, name: str, wanted: Triggers) -> None:
    _check_workflow(account, worker, name, wanted)
    with account.explained(f"give the Workflow {name} to the Worker", needs=SCRIPTS_WRITE):
        account.client.workflows.update(
            name,
            account_id=account.account_id,
            class_name=wanted.workflows[name],
            script_name=worker,
        )


def _put_subdomain(account: Account, worker: str, _name: str, wanted: Triggers) -> None:
    with account.explained("set the Worker's workers.dev address", needs=SCRIPTS_WRITE):
        account.client.workers.scripts.subdomain.create(
            worker,
            account_id=account.account_id,
            enabled=wanted.workers_dev,
            previews_enabled=wanted.preview_urls,
        )


def _place_of_route(
    account: Account, worker: str, pattern: str, wanted: Triggers
) -> tuple[str, Any]:
    """Return the zone's id and the route where there is one; raises where another Worker has it."""
    zone = zones.required_zone(account, wanted.routes[pattern])
    there = next((one for one in zones.routes_in(account, zone) if one.pattern == pattern), None)
    owner = str(there.script or "") if there else ""
    if owner not in ("", worker):
        raise DeployError(f"The route {pattern} belongs to the Worker {owner}.", cause=Cause.TAKEN)
    return zone, there


def _put_route(account: Account, worker: str, pattern: str, wanted: Triggers) -> None:
    zone, there = _place_of_route(account, worker, pattern, wanted)
    if there and there.script == worker:
        return
    with account.explained(f"make the route {pattern}", needs=ROUTES_WRITE):
        routes = account.client.workers.routes
        if there:  # a pattern that leads to no Worker
            routes.update(there.id, zone_id=zone, pattern=pattern, script=worker)
        else:
            routes.create(zone_id=zone, pattern=pattern, script=worker)


def _zone_of_domain(account: Account, worker: str, domain: str, _wanted: Triggers) -> str:
    """Return the zone's id; raises where there is none, or another Worker has the domain."""
    owner = next((str(one.service) for one in zones.find_domains(account, domain)), "")
    if owner not in ("", worker):
        raise DeployError(
            f"The custom domain {domain} belongs to the Worker {owner}.", cause=Cause.TAKEN
        )
    zone = zones.zone_of_host(account, domain)
    if not zone:
        message = f"The account has no zone for the custom domain {domain}."
        raise DeployError(message, cause=Cause.ROUTING)
    return zone


def _put_domain(account: Account, worker: str, domain: str, wanted: Triggers) -> None:
    zone = _zone_of_domain(account, worker, domain, wanted)
    with account.explained(f"set the custom domain {domain}", needs=ROUTES_WRITE):
        account.client.workers.domains.update(
            account_id=account.account_id, hostname=domain, service=worker, zone_id=zone
        )


def _put_schedule(account: Account, worker: str, _name: str, wanted: Triggers) -> None:
    _schedule(account, worker, sorted(wanted.crons))


def _schedule(account: Account, worker: str, crons: list[str]) -> None:
    with account.explained("set the Worker's schedules", needs=SCRIPTS_WRITE):
        account.client.workers.scripts.schedules.update(
            worker, account_id=account.account_id, body=[{"cron": cron} for cron in crons]
        )


def _check_queue(account: Account, worker: str, queue: str, _wanted: Triggers) -> None:
    queues.require_free(account, queue, worker)


def _put_queue(account: Account, worker: str, queue: str, wanted: Triggers) -> None:
    queues.set_consumer(account, worker, wanted.consumers[queue])


def _remove_route(account: Account, worker: str, pattern: str, previous: Triggers) -> None:
    known = previous.routes.get(pattern)  # not of one that others made
    host = host_of(pattern).lstrip("*.")
    zone = zones.zone_id(account, known) if known else zones.zone_of_host(account, host)
    for route in zones.routes_in(account, zone) if zone else ():
        if (route.pattern, route.script) == (pattern, worker):
            with account.explained(f"remove the route {pattern}", needs=ROUTES_WRITE):
                _gone(partial(account.client.workers.routes.delete, zone_id=zone), route.id)


def _remove_domain(account: Account, worker: str, domain: str, _former: Triggers) -> None:
    for one in zones.find_domains(account, domain):
        if one.service == worker:
            with account.explained(f"remove the custom domain {domain}", needs=ROUTES_WRITE):
                delete = partial(
                    account.client.workers.domains.delete, account_id=account.account_id
                )
                _gone(delete, one.id)


def _gone(delete: Callable[[str], Any], id_: str) -> None:
    with suppress(cloudflare.NotFoundError):
        delete(id_)


def _remove_schedule(account: Account, worker: str, _name: str, _former: Triggers) -> None:
    _schedule(account, worker, [])


def _remove_queue(account: Account, worker: str, queue: str, _former: Triggers) -> None:
    queues.remove_consumer(account, queue, worker)


def _stays(_account: Account, _worker: str, _name: str, _former: Triggers) -> None:
    """A Worker always has its setting of workers.dev, and a Workflow keeps its runs."""


_PLACES: dict[PartKind, Callable[[Account, str, str, Triggers], object]] = {
    PartKind.WORKFLOW: _check_workflow,
    PartKind.ROUTE: _place_of_route,
    PartKind.DOMAIN: _zone_of_domain,
    PartKind.QUEUE: _check_queue,
}
_PUT: dict[PartKind, Callable[[Account, str, str, Triggers], None]] = {
    PartKind.WORKFLOW: _put_workflow,
    PartKind.SUBDOMAIN: _put_subdomain,
    PartKind.ROUTE: _put_route,
    PartKind.DOMAIN: _put_domain,
    PartKind.SCHEDULE: _put_schedule,
    PartKind.QUEUE: _put_queue,
}
_REMOVE: dict[PartKind, Callable[[Account, str, str, Triggers], None]] = {
    PartKind.WORKFLOW: _stays,
    PartKind.SUBDOMAIN: _stays,
    PartKind.ROUTE: _remove_route,
    PartKind.DOMAIN: _remove_domain,
    PartKind.SCHEDULE: _remove_schedule,
    PartKind.QUEUE: _remove_queue,
}

"""Checks of the Worker's state on the target, before anything is written.

A deploy stops at the first finding that is not a warning; the check report shows all findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from deployments.pipeline.ports import DeployRequest, Site
from targets.cloudflare import naming
from targets.cloudflare.errors import Cause, Finding
from targets.cloudflare.workflow_config import fixed_jurisdiction
from targets.cloudflare.zones import RouteSite
from workflows.ir.deploy.route_patterns import host_of, record_name

HEADLINE: Final = "The target is not ready for this deployment. Nothing was uploaded:"
CHANGED_BY: Final = {"api": "through Cloudflare's API", "dash": "in the Cloudflare dashboard"}


def check_site(request: DeployRequest, site: Site) -> list[Finding]:
    """Return the findings of all checks, in their order."""
    return [finding for check in CHECKS.values() for finding in check(request, site)]


def needs_force(request: DeployRequest, site: Site) -> bool:
    """Return whether to deploy without wrangler's `--strict`, which refuses to undo API changes.

    A change through the API is ours if our records name this version as live.
    """
    return site.source in CHANGED_BY and (request.overwrite or is_our_version(request, site))


def is_our_version(request: DeployRequest, site: Site) -> bool:
    """Return whether the live version is the recorded one, or was uploaded by one of our deployments."""
    if not site.live_version:
        return False
    return site.live_version == request.known_version or site.live_tag in request.known_tags


def describe_split(split: Mapping[str, float]) -> str:
    """Return the share of each version in a gradual rollout, as text."""
    return ", ".join(f"{share:g} % to {version}" for version, share in split.items())


def _subdomain(request: DeployRequest, site: Site) -> Iterator[Finding]:
    if not site.has_subdomain and (request.settings.workers_dev or not request.is_script):
        yield Finding(
            path="workers.dev subdomain",
            message="The account has no workers.dev subdomain yet. Workflows need one.",
            fix="Choose one in the Cloudflare dashboard under Workers & Pages, then deploy again.",
            cause=Cause.ROUTING,
        )


def _owner(request: DeployRequest, site: Site) -> Iterator[Finding]:
    for name, owner in site.workflow_owners.items():
        if owner == request.worker_name:
            continue
        rename = ", or rename the Workflow in the configuration" if request.project else ""
        yield Finding(
            path=name,
            message=f"The Workflow {name} belongs to the Worker {owner} on this target. A deploy would "
            "take it over.",
            fix=f"Delete the Workflow or that Worker on the target first{rename}.",
            cause=Cause.TAKEN,
        )
    yield from map(_reserved_name, filter(partial(_is_reserved, request), request.workflows))


def _is_reserved(request: DeployRequest, name: str) -> bool:
    """Whether runs of a Workflow with this name would be those of another of our workflows."""
    return name.startswith(naming.PREFIX) and name != request.worker_name


def _reserved_name(name: str) -> Finding:
    return Finding(
        path=name,
        message=f"Names that begin with {naming.PREFIX} are reserved for workflows of AwaitStep.",
        fix="Rename the Workflow in the configuration.",
        cause=Cause.TAKEN,
    )


def _jurisdiction(request: DeployRequest, site: Site) -> Iterator[Finding]:
    for name, jurisdiction in request.jurisdictions.items():
        actual = site.workflow_jurisdictions.get(name, jurisdiction)
        is_ours = site.workflow_owners.get(name) == request.worker_name  # others: see _owner
        if is_ours and actual != jurisdiction:
            other = "rename the Workflow" if request.project else "duplicate the workflow"
            yield Finding(
                path="workflow.jurisdiction",
                message=fixed_jurisdiction(name, actual, jurisdiction),
                fix=f"Set the jurisdiction to {actual or 'none'}, {other}, or take it down first.",
                cause=Cause.JURISDICTION,
            )


def _changed(request: DeployRequest, site: Site) -> Iterator[Finding]:
    if site.split and not request.overwrite:
        yield Finding(
            path=request.worker_name,
            message=f"A gradual rollout of the Worker is in progress ({describe_split(site.split)}). "
            "A deploy would end it.",
            fix="Finish the rollout on the target first, or deploy with overwrite.",
            cause=Cause.CHANGED,
        )
    if not site.live_version or request.overwrite or is_our_version(request, site):
        return
    by = CHANGED_BY.get(site.source, "by a deploy from outside AwaitStep")
    yield Finding(
        path=request.worker_name,
        message=f"The Worker {request.worker_name} was last changed {by} (version {site.live_version} "
        "is live). A deploy would undo that change.",
        fix="Check the Worker on the target. Then adopt the live version, or deploy with overwrite.",
        cause=Cause.CHANGED,
    )


def _routes(request: DeployRequest, site: Site) -> Iterator[Finding]:
    for route in site.routes:
        yield from _route(request, route)


def _route(request: DeployRequest, route: RouteSite) -> Iterator[Finding]:
    if not route.has_zone:
        yield _no_zone(route.pattern, route.zone)
    elif route.owner not in ("", request.worker_name):
        yield Finding(
            path=route.pattern,
            message=f"The route {route.pattern} belongs to the Worker {route.owner}.",
            fix="Remove it from that Worker first, or use another pattern.",
            cause=Cause.TAKEN,
        )
    elif route.dns != "proxied":
        yield _dns(route)


def _dns(route: RouteSite) -> Finding:
    host = host_of(route.pattern)
    label = record_name(host, route.zone)
    fix = f"Create this record in the zone {route.zone}: AAAA {label} 100:: proxied."
    messages = {
        "missing": f"{host} has no DNS record, so requests do not reach the route.",
        "not proxied": f"The DNS record of {host} is not proxied, so requests bypass the route.",
        "": f"It is unknown whether {host} has a proxied DNS record: the token cannot read the DNS "
        f"records of {route.zone}.",
    }
    if route.dns == "not proxied":
        fix = (
            f"Turn on the proxy (the orange cloud) of the record {label} in the zone {route.zone}."
        )
    return Finding(
        path=route.pattern,
        message=messages[route.dns],
        fix=fix,
        cause=Cause.ROUTING,
        is_warning=True,
    )


def _no_zone(path: str, zone: str) -> Finding:
    return Finding(
        path=path,
        message=f"The account has no zone {zone}, or the token lacks the permission Zone Read.",
        fix="Add the domain to the account, correct the zone, or add the permission to the token.",
        cause=Cause.ROUTING,
    )


def _domains(request: DeployRequest, site: Site) -> Iterator[Finding]:
    """Without a terminal wrangler takes over a domain and its DNS record without asking."""
    for site_domain in site.domains:
        name, owner = site_domain.domain, site_domain.owner
        if not site_domain.has_zone:
            yield _no_zone(name, name.partition(".")[2])
        elif owner not in ("", request.worker_name):
            yield _taken(name, f"The custom domain {name} belongs to the Worker {owner}.")
        elif not owner and site_domain.has_record:
            yield _taken(
                name, f"{name} already has a DNS record. The custom domain would replace it."
            )


def _taken(domain: str, message: str) -> Finding:
    fix = "Remove it first, or use another domain."
    return Finding(path=domain, message=message, fix=fix, cause=Cause.TAKEN)


def _handlers(request: DeployRequest, _site: Site) -> Iterator[Finding]:
    """Yield a finding for each kind of trigger set on a script, which has neither handlers nor a Workflow."""
    triggers = {
        "cronTriggers": request.settings.crons,
        "queueConsumers": request.settings.consumers,
    }
    fix = "Remove them from the deploy settings, or use a workflow instead."
    for name, entries in triggers.items():
        if entries and request.is_script:
            yield Finding(
                path=name,
                message="A script only handles requests: it has no handler for schedules and queues.",
                fix=fix,
                cause=Cause.CODE,
            )
    if request.settings.workflow and request.is_script:
        message = "A script has no Workflow that these settings could apply to."
        yield Finding(path="workflow", message=message, fix=fix, cause=Cause.CODE)


CHECKS: Final[Mapping[str, Callable[[DeployRequest, Site], Iterator[Finding]]]] = {
    "workers.dev subdomain": _subdomain,
    "Owner of the Workflow's name": _owner,
    "Jurisdiction of the Workflow": _jurisdiction,
    "Changes by others": _changed,
    "Routes, zones and DNS records": _routes,
    "Custom domains": _domains,
    "Triggers of the settings": _handlers,
}

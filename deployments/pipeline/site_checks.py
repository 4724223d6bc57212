"""Before anything is written: what the target says of a Worker's place, and what is to be mended.

The same checks are the start of a deploy, which stops at any that is not a warning, and a page,
which shows all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from deployments.pipeline.ports import DeployRequest, Site
from targets.cloudflare.errors import Cause, Finding
from targets.cloudflare.zones import DomainSite, RouteSite
from workflows.ir.deploy.route_patterns import host_of, record_name

HEADLINE: Final = "The target is not ready for this deployment. Nothing was uploaded:"
CHANGED_BY: Final = {"api": "through Cloudflare's API", "dash": "on Cloudflare's dashboard"}


def check_site(request: DeployRequest, site: Site) -> list[Finding]:
    """Return every finding about the Worker's place, in the order of the checks."""
    return [finding for check in CHECKS.values() for finding in check(request, site)]


def needs_force(request: DeployRequest, site: Site) -> bool:
    """Tell whether wrangler's own caution has to be left out: a person, or our record, knows better.

    What the API changed last is ours where our records say that this version is live.
    """
    return site.source in CHANGED_BY and (request.overwrite or is_our_version(request, site))


def is_our_version(request: DeployRequest, site: Site) -> bool:
    """Tell whether what is live is what our records say, or was uploaded by a deployment of ours."""
    if not site.live_version:
        return False
    return site.live_version == request.known_version or site.live_tag in request.known_tags


def describe_split(split: Mapping[str, float]) -> str:
    """Say what each version takes in a gradual rollout."""
    return ", ".join(f"{share:g} % to {version}" for version, share in split.items())


def _subdomain(request: DeployRequest, site: Site) -> Iterator[Finding]:
    if not site.has_subdomain and (request.settings.workers_dev or not request.is_script):
        yield Finding(
            path="workers.dev subdomain",
            message="The account has no workers.dev subdomain yet, and Workflows need one.",
            fix="Choose it on Cloudflare's dashboard under Workers & Pages, then deploy again.",
            cause=Cause.ROUTING,
        )


def _owner(request: DeployRequest, site: Site) -> Iterator[Finding]:
    if site.workflow_owner not in ("", request.worker_name):
        yield Finding(
            path=request.worker_name,
            message=f"The Workflow {request.worker_name} belongs to the Worker "
            f"{site.workflow_owner} on this target, and would be taken over.",
            fix="Delete one of the two on the target first.",
            cause=Cause.TAKEN,
        )


def _changed(request: DeployRequest, site: Site) -> Iterator[Finding]:
    if site.split and not request.overwrite:
        yield Finding(
            path=request.worker_name,
            message=f"A gradual rollout of the Worker is going on ({describe_split(site.split)}), and a deploy would "
            "end it.",
            fix="Finish it on the target first, or deploy with overwrite.",
            cause=Cause.CHANGED,
        )
    if not site.live_version or request.overwrite or is_our_version(request, site):
        return
    by = CHANGED_BY.get(site.source, "by somebody else's deploy")
    yield Finding(
        path=request.worker_name,
        message=f"The Worker {request.worker_name} was last changed {by}, not by one of ours, and a "
        f"deploy would undo that (version {site.live_version} is live).",
        fix="Look at it on the target; then adopt what is live, or deploy with overwrite.",
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
            fix="Remove it there first, or take another pattern.",
            cause=Cause.TAKEN,
        )
    elif route.dns != "proxied":
        yield _dns(route)


def _dns(route: RouteSite) -> Finding:
    host = host_of(route.pattern)
    label = record_name(host, route.zone)
    fix = f"Create this record in the zone {route.zone}: AAAA {label} 100:: proxied."
    words = {
        "missing": f"{host} has no DNS record, so requests to the route will not be found.",
        "not proxied": f"The DNS record of {host} is not proxied, so requests go past the route.",
        "": f"The token may not read the DNS records of {route.zone}: whether {host} has a proxied "
        "one is not known.",
    }
    if route.dns == "not proxied":
        fix = (
            f"Turn on the proxy (the orange cloud) of the record {label} in the zone {route.zone}."
        )
    return Finding(
        path=route.pattern,
        message=words[route.dns],
        fix=fix,
        cause=Cause.ROUTING,
        is_warning=True,
    )


def _no_zone(path: str, zone: str) -> Finding:
    return Finding(
        path=path,
        message=f"The account has no zone {zone}, or the token may not read it (Zone Read).",
        fix="Add the domain to the account, correct the zone, or give the token the permission.",
        cause=Cause.ROUTING,
    )


def _domains(request: DeployRequest, site: Site) -> Iterator[Finding]:
    """wrangler takes a domain and its DNS record over without a question where nobody can answer."""
    for one in site.domains:
        if not one.has_zone:
            yield _no_zone(one.domain, one.domain.partition(".")[2])
        elif one.owner not in ("", request.worker_name):
            yield _taken(one, f"The custom domain {one.domain} belongs to the Worker {one.owner}.")
        elif not one.owner and one.has_record:
            message = f"{one.domain} has a DNS record already, which a custom domain would replace."
            yield _taken(one, message)


def _taken(one: DomainSite, message: str) -> Finding:
    fix = "Remove it first, or take another domain."
    return Finding(path=one.domain, message=message, fix=fix, cause=Cause.TAKEN)


def _handlers(request: DeployRequest, _site: Site) -> Iterator[Finding]:
    """A workflow gets handlers that start a run; nothing starts a script but a request."""
    added = {"cronTriggers": request.settings.crons, "queueConsumers": request.settings.consumers}
    for name, entries in added.items():
        if entries and request.is_script:
            yield Finding(
                path=name,
                message="A script answers requests alone: nothing would take these.",
                fix="Remove them from the deploy settings, or make it a workflow.",
                cause=Cause.CODE,
            )


CHECKS: Final[Mapping[str, Callable[[DeployRequest, Site], Iterator[Finding]]]] = {
    "workers.dev subdomain": _subdomain,
    "Owner of the Workflow's name": _owner,
    "Changes by others": _changed,
    "Routes, zones and DNS records": _routes,
    "Custom domains": _domains,
    "Triggers of the settings": _handlers,
}

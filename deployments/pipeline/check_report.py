"""The report of every check that a deploy makes: a failed check does not stop the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from deployments.pipeline import site_checks
from deployments.pipeline.binding_detection import Env, detect
from deployments.pipeline.built_code import BuiltCode, build_code, bundle_of
from deployments.pipeline.ports import DeployRequest, Site, Tools
from deployments.pipeline.worker_limits import check_limits
from targets.checks.check_state import CheckState
from targets.cloudflare.errors import Cause, DeployError, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check and its findings; its state is unknown if an earlier check prevented it."""

    name: str
    state: CheckState
    findings: tuple[Finding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the check as `deploy_workflow --plan --json` prints it."""
        rows = [finding.as_row() for finding in self.findings]
        return {"name": self.name, "state": self.state.value, "findings": rows}


CREDENTIALS: Final = "Token and account"
CODE: Final = "Code"
ENVIRONMENT: Final = "Variables and bindings"
LIMITS: Final = "Limits"
TESTS: Final = "Tests"
"""Only for targets that require tests, so not one of NAMES."""
NAMES: Final = (CREDENTIALS, *site_checks.CHECKS, CODE, ENVIRONMENT, LIMITS)


def run_checks(request: DeployRequest, tools: Tools) -> list[Check]:
    """Return every check in the order of NAMES, without writing anything."""
    checks = {check.name: check for check in _checks(request, tools)}
    return [checks.get(name, Check(name=name, state=CheckState.UNKNOWN)) for name in NAMES]


def checks_for_error(error: DeployError) -> list[Check]:
    """Return the checks for an error that prevents all of them, such as a token that is unreadable."""
    failed = _failed(ENVIRONMENT if error.cause is Cause.ENVIRONMENT else CREDENTIALS, error)
    unknown = {name: Check(name=name, state=CheckState.UNKNOWN) for name in NAMES}
    return list({**unknown, failed.name: failed}.values())


def _checks(request: DeployRequest, tools: Tools) -> Iterator[Check]:
    site = None
    try:
        site = tools.inspect(request)
    except DeployError as error:
        yield _failed(CREDENTIALS, error)
    else:
        yield Check(name=CREDENTIALS, state=CheckState.PASSED)
        for name, check in site_checks.CHECKS.items():
            yield check_of(name, check(request, site))
    yield from _code(request, site, tools)


def _code(request: DeployRequest, site: Site | None, tools: Tools) -> Iterator[Check]:
    try:
        built = build_code(request, tools)
    except DeployError as error:
        yield _failed(CODE, error)
        return
    yield check_of(CODE, built.warnings, is_code=True)
    if site:
        yield from _env(request, built, site=site, tools=tools)


def _env(request: DeployRequest, built: BuiltCode, *, site: Site, tools: Tools) -> Iterator[Check]:
    try:
        env = detect(built.needs, request, site=site, tools=tools)
    except DeployError as error:
        yield _failed(ENVIRONMENT, error)
        return
    yield Check(name=ENVIRONMENT, state=CheckState.PASSED)
    yield _limits(request, built, env)


def _limits(request: DeployRequest, built: BuiltCode, env: Env) -> Check:
    try:
        findings = check_limits(bundle_of(built, request, env), env)
    except DeployError as error:
        return _failed(LIMITS, error)
    return check_of(LIMITS, findings)


def _failed(name: str, error: DeployError) -> Check:
    return Check(name=name, state=CheckState.FAILED, findings=error.as_findings())


def check_of(name: str, findings: Iterable[Finding], *, is_code: bool = False) -> Check:
    """Return the check with its state; `is_code` makes all findings warnings: the code compiles."""
    all_findings = tuple(findings)
    if not all_findings:
        return Check(name=name, state=CheckState.PASSED)
    is_warning = is_code or all(finding.is_warning for finding in all_findings)
    state = CheckState.WARNING if is_warning else CheckState.FAILED
    return Check(name=name, state=state, findings=all_findings)

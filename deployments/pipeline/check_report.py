"""All that a deploy would stop at, looked for at once: a check after the other, none stops the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from deployments.pipeline import site_checks
from deployments.pipeline.binding_detection import Env, detect
from deployments.pipeline.code_build import (
    as_finding,
    build_bundle,
    check_limits,
    compile_module,
    generate,
)
from deployments.pipeline.ports import DeployRequest, Site, Tools
from targets.checks.check_state import CheckState
from targets.cloudflare.errors import Cause, DeployError, Finding
from workflows.codegen.module.generate import GeneratedModule


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check with what it found; it is unknown where an earlier one kept it from being made."""

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
NAMES: Final = (CREDENTIALS, *site_checks.CHECKS, CODE, ENVIRONMENT, LIMITS)


def run_checks(request: DeployRequest, tools: Tools) -> list[Check]:
    """Return every check in the order of NAMES; nothing is written anywhere."""
    found = {check.name: check for check in _checks(request, tools)}
    return [found.get(name, Check(name=name, state=CheckState.UNKNOWN)) for name in NAMES]


def checks_for_error(error: DeployError) -> list[Check]:
    """Return the checks where the target cannot be asked at all, or the variables not be read."""
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
            yield _check(name, check(request, site))
    yield from _code(request, site, tools)


def _code(request: DeployRequest, site: Site | None, tools: Tools) -> Iterator[Check]:
    try:
        module = generate(request)
        script = compile_module(module, request, tools)
    except DeployError as error:
        yield _failed(CODE, error)
        return
    yield _check(CODE, (as_finding(problem, request) for problem in module.problems), is_code=True)
    if site:
        yield from _env(request, module, site=site, script=script, tools=tools)


def _env(
    request: DeployRequest, module: GeneratedModule, *, site: Site, script: str, tools: Tools
) -> Iterator[Check]:
    try:
        env = detect(module, request, site=site, tools=tools)
    except DeployError as error:
        yield _failed(ENVIRONMENT, error)
        return
    yield Check(name=ENVIRONMENT, state=CheckState.PASSED)
    yield _limits(request, module, env=env, script=script)


def _limits(request: DeployRequest, module: GeneratedModule, *, env: Env, script: str) -> Check:
    try:
        found = check_limits(build_bundle(request, script, env=env, module=module), env)
    except DeployError as error:
        return _failed(LIMITS, error)
    return _check(LIMITS, found)


def _failed(name: str, error: DeployError) -> Check:
    return Check(name=name, state=CheckState.FAILED, findings=error.as_findings())


def _check(name: str, findings: Iterable[Finding], *, is_code: bool = False) -> Check:
    """Return the check's outcome; what is found in code that compiles is a warning."""
    found = tuple(findings)
    if not found:
        return Check(name=name, state=CheckState.PASSED)
    warns = is_code or all(finding.is_warning for finding in found)
    state = CheckState.WARNING if warns else CheckState.FAILED
    return Check(name=name, state=state, findings=found)

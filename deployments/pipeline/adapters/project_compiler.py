"""Type-checks and bundles the files of a project with its npm packages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from deployments.pipeline.adapters import npm
from deployments.pipeline.adapters.bundler import SETTINGS, Bundled, Bundler, build_folder
from deployments.pipeline.errors import CodeError
from deployments.pipeline.ports import CompiledProject, DeployRequest
from targets.cloudflare.errors import Cause, DeployError, Finding
from workflows.compilation.project_check import check_project
from workflows.compilation.typescript import Diagnostic
from workflows.documents.projects.checked_source import checked_source
from workflows.documents.projects.config import ProjectConfig
from workflows.documents.projects.files import ProjectFiles, file_bytes
from workflows.documents.projects.packages import Packages, read_packages

_NOT_BUNDLED: Final = "The code cannot be bundled:"
_UNRESOLVED: Final = re.compile(r'Could not resolve "(?P<what>[^"]*)"')
_NO_FILE: Final = "The project has no such file."
_NO_PACKAGE: Final = (
    "Add the package to the dependencies in package.json or, for a module of Node.js, add the "
    "compatibility flag nodejs_compat."
)
_NOT_WRITTEN: Final = frozenset(
    {"wrangler.json", "wrangler.jsonc", "wrangler.toml", ".npmrc", ".yarnrc", ".yarnrc.yml"}
)


def type_check(request: DeployRequest, project: ProjectConfig, folder: Path) -> list[Finding]:
    """Return the compiler's warnings; raises CodeError with what is certainly a mistake."""
    names = (variable.name for variable in request.variables.values())
    verdict = check_project(checked_source(request.files, project, names), folder)
    if verdict.errors:
        raise CodeError("the code has type errors", list(map(_as_finding, verdict.errors)))
    return list(map(_as_finding, verdict.warnings))


def _as_finding(error: Diagnostic) -> Finding:
    message = f"{error.message} ({error.code})" if error.code else error.message
    return Finding(message=message, path=error.file, line=error.line)


def bundle_project(
    request: DeployRequest, project: ProjectConfig, *, bundler: Bundler, on_end: npm.OnEnd
) -> CompiledProject:
    """Install the npm packages and bundle the main module; raises DeployError."""
    packages = read_packages(request.files)
    with build_folder() as build:
        folder = build / "packages"
        folder.mkdir()
        _write(request.files, folder)
        if packages.dependencies:
            _install(packages, folder, bundler=bundler, on_end=on_end)
        bundled = _bundled(folder, project, bundler)
    _check_classes(project, bundled)
    return CompiledProject(script=bundled.script.decode(), modules=bundled.modules)


def _bundled(folder: Path, project: ProjectConfig, bundler: Bundler) -> Bundled:
    try:
        return bundler.bundle(folder, _configuration(project))
    except DeployError as failed:
        is_own = failed.findings and not any(
            "node_modules/" in each.path for each in failed.findings
        )
        if not is_own:
            raise
        findings = list(map(_explained, failed.findings))
        raise DeployError.listing(_NOT_BUNDLED, findings, cause=Cause.CODE) from None


def _explained(finding: Finding) -> Finding:
    """Return the bundler's complaint with what to do about an import that cannot be resolved."""
    unresolved = _UNRESOLVED.fullmatch(finding.message)
    if unresolved is None:
        return finding
    is_file = unresolved["what"].startswith((".", "/"))
    return finding.with_message(f"{finding.message}. {_NO_FILE if is_file else _NO_PACKAGE}")


def _write(files: ProjectFiles, folder: Path) -> None:
    for path in files:
        if path not in _NOT_WRITTEN and not path.endswith("/.npmrc"):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file_bytes(files, path))


def _install(packages: Packages, folder: Path, *, bundler: Bundler, on_end: npm.OnEnd) -> None:
    started = bundler.hooks.program_started
    if not packages.lock:
        npm.install(
            folder,
            packages.dependencies,
            on_start=started,
            on_end=on_end,
            overrides=packages.overrides,
        )
        return
    lock = json.dumps(_without_addresses(json.loads(packages.lock)))
    (folder / "package-lock.json").write_text(lock, encoding="utf-8")
    npm.install_locked(folder, on_start=started, on_end=on_end)


def _without_addresses(lock: Any) -> Any:
    """Return the lock file without addresses, so that every package comes from the registry.

    The integrity of each package stays, so it is the same package.
    """
    if isinstance(lock, dict):
        return {
            name: _without_addresses(value) for name, value in lock.items() if name != "resolved"
        }
    return [_without_addresses(value) for value in lock] if isinstance(lock, list) else lock


def _configuration(project: ProjectConfig) -> dict[str, Any]:
    settings = project.settings
    own = {
        "name": "project",
        "main": project.main,
        "compatibility_date": settings.compatibility_date,
        "compatibility_flags": list(settings.compatibility_flags),
    }
    return {**project.bundling, **{name: own[name] for name in SETTINGS}}


def _check_classes(project: ProjectConfig, bundled: Bundled) -> None:
    findings = list(_missing(project, bundled.exports))
    if findings:
        headline = "The main module does not export the Workflows of the configuration:"
        raise DeployError.listing(headline, findings, cause=Cause.CODE)


def _missing(project: ProjectConfig, exports: Iterable[str]) -> Iterator[Finding]:
    exported = set(exports)
    for each in project.workflows:
        if each.class_name not in exported:
            message = f"{project.main} does not export a class {each.class_name}."
            yield Finding(
                message=message, path=project.file, line=each.class_line, cause=Cause.CODE
            )

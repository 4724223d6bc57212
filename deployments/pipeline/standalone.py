"""The files with which a workflow can be deployed without AwaitStep, by wrangler alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.pipeline.code_build import generate
from deployments.pipeline.config.bindings import Binding, RequiredBinding
from deployments.pipeline.config.wrangler_config import wrangler_config
from deployments.pipeline.env_needs import needs_of_module
from deployments.pipeline.ports import DeployRequest
from workflows.documents.projects.files import ProjectFiles
from workflows.ir.reading.bindings import BindingKind

MAIN: Final = "src/index.ts"
CONFIG: Final = "wrangler.json"
PACKAGE: Final = "package.json"
README: Final = "README.md"
_IGNORED: Final = "node_modules/\n.wrangler/\n.dev.vars*\n.env*\n"
_OURS: Final = ("no_bundle", "send_metrics")
_NOT_IN_NAME: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The Worker that a node calls; `workflow` and `class_name` are those of its Workflow, or ""."""

    worker: str
    workflow: str
    class_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standalone:
    """What the files are made from, beside the code.

    `tools` are the versions of npm packages for development. With `has_values`, the configuration contains
    plain variables and the ids of resources; otherwise they stay with the workflow. `called` looks up
    another Worker by the id of its workflow or by its name.
    """

    name: str
    tools: Mapping[str, str]
    has_values: bool
    called: Callable[[str], Called]


def files_of_graph(request: DeployRequest, about: Standalone) -> ProjectFiles:
    """Return the generated code with everything that wrangler needs, but no secret.

    Raises DeployError with every problem in the document.
    """
    module = generate(request)
    config = _configuration(request, about)
    files: ProjectFiles = {
        MAIN: module.source,
        CONFIG: _json(config),
        PACKAGE: package_json(about, module.dependencies),
        "tsconfig.json": _json(_COMPILER),
        ".gitignore": _IGNORED,
    }
    return files


def package_json(about: Standalone, dependencies: Mapping[str, str]) -> str:
    """Return a package.json with the packages of the code, and wrangler for development."""
    return _json(
        {
            "name": _NOT_IN_NAME.sub("-", about.name.lower()).strip("-")[:200] or "workflow",
            "private": True,
            "scripts": {"deploy": "wrangler deploy", "dev": "wrangler dev"},
            "dependencies": dict(dependencies),
            "devDependencies": dict(about.tools),
        }
    )


_COMPILER: Final = {
    "compilerOptions": {
        "target": "es2024",
        "lib": ["esnext"],
        "module": "esnext",
        "moduleResolution": "bundler",
        "types": ["@cloudflare/workers-types"],
        "strict": False,
        "noEmit": True,
        "skipLibCheck": True,
    },
    "include": ["src"],
}


def _configuration(request: DeployRequest, about: Standalone) -> dict[str, Any]:
    module = generate(request)
    needs = needs_of_module(module, request)
    config = wrangler_config(
        worker_name=request.worker_name,
        variables=needs.plan.variables if about.has_values else {},
        bindings=[*needs.own, *_bindings(needs.plan.required, about)],
        trigger=module.trigger,
        settings=request.settings,
    )
    kept = {name: value for name, value in config.items() if name not in _OURS and value != {}}
    if kept.get("placement") == {"mode": "off"}:
        del kept["placement"]
    return {**_without_empty(kept), "main": MAIN}


def _bindings(required: tuple[RequiredBinding, ...], about: Standalone) -> Iterator[Binding]:
    for each in required:
        resource = each.resource if about.has_values or each.node_id else ""
        if each.kind not in (BindingKind.SERVICE, BindingKind.WORKFLOW) or not resource:
            yield Binding(name=each.name, kind=each.kind, resource=resource)
            continue
        worker, _, class_name = resource.partition("/")
        called = about.called(worker)
        if each.kind is BindingKind.SERVICE:
            yield Binding(name=each.name, kind=each.kind, resource=called.worker)
            continue
        yield Binding(
            name=each.name,
            kind=each.kind,
            resource=called.workflow,
            class_name=class_name or each.class_name or called.class_name,
            script=called.worker,
        )


def _without_empty(value: Any) -> Any:
    """Leave out ids that are not known: wrangler creates these resources."""
    if isinstance(value, dict):
        return {name: _without_empty(each) for name, each in value.items() if each != ""}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value


def readme(request: DeployRequest, about: Standalone, *, is_project: bool) -> str:
    """Return what a person has to do before `npx wrangler deploy`."""
    lines = [
        f"# {' '.join(about.name.split())}",
        "",
        "Deploy these files to your Cloudflare account:",
        "",
    ]
    lines += ["    npm install"]
    secrets = sorted(each.name for each in request.variables.values() if each.is_secret)
    plain = sorted(each.name for each in request.variables.values() if not each.is_secret)
    lines += ["    npx wrangler deploy", ""]
    if secrets:
        lines += ["The values of secrets are not in these files. Set each of them once:", ""]
        lines += [f"    npx wrangler secret put {name}" for name in secrets] + [""]
    if is_project and plain:
        lines += ["In AwaitStep, these variables are set for the workflow and are not in the "
                  "configuration. Add those that you need to `vars`:", ""]  # fmt: skip
        lines += [f"- `{name}`" for name in plain] + [""]
    return "\n".join(lines)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

"""Compiles generated modules and runs them in workerd, many in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.workflows.codegen.modules import generated
from tests.workflows.programs.harness.runner import results_of
from workflows.compilation.typescript import compile_modules


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of a workflow, or a request to its handlers.

    `event` is sent when the run waits; `events` are sent at its start, and kept until it waits for them.
    Runs with the same `lane` run one after the other.
    """

    workflow: str
    params: Any = None
    request: Mapping[str, Any] | None = None
    event: Mapping[str, Any] | None = None
    events: Sequence[Mapping[str, Any]] = ()
    lane: str = ""


def compiled(documents: Mapping[str, object], folder: Path, **settings: Any) -> dict[str, str]:
    """Return JavaScript by class name, from one run of the compiler."""
    sources = {
        f"{name}.ts": generated(document, class_name=name, **settings).source
        for name, document in documents.items()
    }
    return {Path(name).stem: code for name, code in compile_modules(sources, folder).items()}


def run_all(
    modules: Mapping[str, str],
    runs: Sequence[Run],
    *,
    variables: Mapping[str, str] | None = None,
    children: Mapping[str, str] | None = None,
    services: Sequence[str] = (),
    bindings: Mapping[str, Mapping[str, str]] | None = None,
    fakes: str = "",
    outbound: str = "",
) -> list[dict[str, Any]]:
    """Return the result of each run: Cloudflare's instance, or {status, headers, text}.

    `children` are workflows by the names of the bindings through which others call them. `services`
    are bindings that reach these modules; the header X-Workflow of a request selects one. `bindings`
    are Miniflare's options by name; one of the type "fake" leads to a class of the module `fakes`.
    `outbound` is the address of a server that answers all requests to other hosts.
    """
    job = {
        "modules": dict(modules),
        "vars": dict(variables or {}),
        "children": dict(children or {}),
        "services": list(services),
        "bindings": dict(bindings or {}),
        "fakes": fakes,
        "outbound": outbound,
        "runs": [asdict(run) for run in runs],
    }
    return results_of(job)


def run_document(folder: Path, workflow: object, params: Any = None) -> dict[str, Any]:
    """Run a document once and return the run."""
    modules = compiled({"Flow": workflow}, folder)
    return run_all(modules, [Run(workflow="Flow", params=params)])[0]


def names(instance: Mapping[str, Any]) -> list[str]:
    """Return the names of the steps that ran, in order, without the platform's counters."""
    return [step["name"].rsplit("-", 1)[0] for step in instance["steps"]]


def outputs(instance: Mapping[str, Any]) -> dict[str, Any]:
    return {
        step["name"].rsplit("-", 1)[0]: step.get("output")
        for step in instance["steps"]
        if step["type"] == "step"
    }

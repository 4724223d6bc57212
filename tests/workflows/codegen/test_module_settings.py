"""The settings of a module, from a saved workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.workflows.ir.documents import chain, node
from workflows.codegen.module.generate import GeneratedModule, generate
from workflows.codegen.module.module_settings import module_settings
from workflows.ir.deploy.deploy_settings import DeploySettings
from workflows.ir.reading.bindings import BindingKind
from workflows.nodes.documents import parse_valid


@dataclass(frozen=True)
class Saved:
    """A saved workflow."""

    ir: Any
    bindings: Mapping[str, str] = field(default_factory=dict)
    id: str = "abc"
    class_name: str = "Flow"
    entry_code: str = ""
    dependencies: Mapping[str, str] = field(default_factory=dict)
    settings: DeploySettings = field(default_factory=DeploySettings)


@dataclass(frozen=True)
class Value:
    value: str
    is_secret: bool = False


def module(saved: Saved, **variables: str) -> GeneratedModule:
    settings = module_settings(saved, {name: Value(value) for name, value in variables.items()})
    return generate(parse_valid(saved.ir), settings)


def calls(worker: str) -> Any:
    return chain(node("call", "sub_workflow", workflowId=worker))


def test_a_declared_kind_overrides_the_one_that_the_name_suggests() -> None:
    saved = Saved(chain(node("a", code="return env.MY_KV;")), bindings={"MY_KV": "queue"})

    (use,) = module(saved).env_uses

    assert use.kind is BindingKind.QUEUE


def test_a_workflow_that_calls_itself_uses_its_own_binding() -> None:
    generated = module(Saved(calls("abc")))

    assert generated.children == ()
    assert "workflow: env.WORKFLOW," in generated.source


def test_a_declared_workflow_is_not_bound_again() -> None:
    generated = module(Saved(calls("kid"), bindings={"KID": "workflow"}), KID_BINDING_ID=" kid ")

    assert generated.children == ()
    assert "workflow: env.KID," in generated.source


def test_any_other_workflow_is_a_child_with_an_unused_name() -> None:
    saved = Saved(calls("kid"), bindings={"CHILD_KID": "kv"})

    (child,) = module(saved).children

    assert (child.name, child.worker) == ("CHILD_KID_2", "kid")

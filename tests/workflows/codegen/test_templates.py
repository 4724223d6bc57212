from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import TEMPLATE, node_json, type_of, types, with_fields
from workflows.codegen.module.generate import GeneratedModule
from workflows.compilation.typescript import CompileFailed, compile_module

SECRET = {"type": "secret", "envVarName": "MY_AI_DB", "required": True}


def module(template: str, value: dict[str, Any] | None = None, **settings: Any) -> GeneratedModule:
    """Return the module of two nodes of a type with this template."""
    workflow = chain(node("a", "greet"), node("b", "greet"))
    return generated(workflow, type_of(value or node_json(), template), **settings)


def env(template: str, value: dict[str, Any] | None = None, **settings: Any) -> list[str]:
    return [use.name for use in module(template, value, **settings).env_uses]


USES = {
    "export default async (ctx) => ctx.env.A_KEY;": ["A_KEY"],
    "export default async (c) => c.env['A_KEY'] + c.env?.B_KEY;": ["A_KEY", "B_KEY"],
    "export default async ({ env }) => env.A_KEY;": ["A_KEY"],
    "export default async ({ env: { A_KEY, B_KEY: b } }) => A_KEY + b;": ["A_KEY", "B_KEY"],
    "export default async (ctx) => { const { env } = ctx; return env.A_KEY; };": ["A_KEY"],
    "export default async (ctx) => { const { env: { A_KEY } } = ctx; return A_KEY; };": ["A_KEY"],
    "export default go;\nfunction go(ctx) { return ctx.env.A_KEY; }": ["A_KEY"],
    "export default ctx => ctx.config.env + '// ctx.env.NO' + process.env.NONE;": [],
}


@pytest.mark.parametrize("template", USES)
def test_names_of_env_are_found_in_templates(template: str) -> None:
    assert env(template) == USES[template]


def test_a_use_of_env_is_reported_on_the_first_node_of_the_type() -> None:
    (use,) = module("export default async (ctx) => ctx.env.A_KEY;").env_uses

    assert (use.node_id, use.path, use.kind) == ("a", "nodes.a.type", None)


def test_a_secret_is_a_variable_whatever_its_name_suggests() -> None:
    first, second = module(TEMPLATE, with_fields(key=SECRET)).env_uses

    assert (first.name, first.kind, first.is_secret) == ("MY_AI_DB", "variable", True)
    assert [first.path, second.path] == ["nodes.a.data.key", "nodes.b.data.key"]


def test_an_optional_secret_is_only_used_if_it_is_set() -> None:
    value = with_fields(key=SECRET | {"required": False})
    template = "export default async (ctx) => ctx.env.MY_AI_DB ?? ctx.config.key;"

    assert env(template, value) == []
    assert "MY_AI_DB?: string;" in module(template, value).source
    assert set(env(template, value, variables=frozenset({"MY_AI_DB"}))) == {"MY_AI_DB"}


def test_an_unclear_use_of_env_is_a_warning_on_a_node() -> None:
    (warning,) = module("export default async (ctx) => Object.keys(ctx.env);").problems

    assert warning.node_id == "a"
    assert "cannot tell which binding of `env` is used here" in warning.message


def test_a_template_is_written_once() -> None:
    source = module(TEMPLATE).source

    assert source.count("return ctx.config;") == 1
    assert source.count("await runGreet({") == 2


def test_a_template_is_written_byte_for_byte() -> None:
    code = "export default async (ctx) => {\n\tconst x = `a\n b`;  \n  return [x, 'ü', \"${y}\"];\n};\n"

    assert (
        code.removeprefix("export default ").replace("(ctx)", "(ctx: NodeContext)").rstrip(";\n")
        in module(code).source
    )


def test_code_of_a_node_may_not_import_what_only_a_type_depends_on() -> None:
    workflow = chain(node("s", code='import x from "zod"; return x;'), node("a", "greet"))
    registry = type_of(node_json(dependencies={"zod": "4.1.0"}))

    assert 'nodes.s.data.code: line 1, column 15: "zod" cannot be imported' in refusal(
        workflow, types=registry
    )


def test_the_packages_of_types_become_packages_of_the_module() -> None:
    value = node_json(dependencies={"zod": "4.1.0"})

    result = module(TEMPLATE, value, dependencies={"hono": "4.0.0", "zod": "4.1.0"})

    assert result.dependencies == {"hono": "4.0.0", "zod": "4.1.0"}


def test_conflicting_versions_of_a_package_are_refused_and_named() -> None:
    registry = types(
        (node_json(dependencies={"zod": "4.1.0"}), TEMPLATE),
        (node_json("other", dependencies={"zod": "3.0.0", "hono": "^4"}), TEMPLATE),
    )
    workflow = chain(node("a", "greet"), node("b", "other"))

    problems = refusal(workflow, types=registry, dependencies={"hono": "4.0.0"})

    assert problems.splitlines() == [
        "dependencies.zod: node type greet 1.0.0 needs zod 4.1.0 and node type other 1.0.0 needs zod "
        "3.0.0, but a Worker can only have one version of a package: use the same version (node \"b\")",
        "dependencies.hono: the workflow needs hono 4.0.0 and node type other 1.0.0 needs hono ^4, "
        "but a Worker can only have one version of a package: use the same version (node \"b\")",
    ]  # fmt: skip


BAD = """import { createHash } from "node:crypto";

export default async function (ctx) {
  const { text } = ctx.config;
  return text.toFixed() + createHash("x");
}
"""


def errors(generated: GeneratedModule, folder: Path) -> list[tuple[str, str, int]]:
    """Return node, path and line of each compiler error."""
    with pytest.raises(CompileFailed) as failed:
        compile_module(generated.source, folder)
    diagnostics = failed.value.diagnostics
    locations = [generated.locate(error.line, error.column) for error in diagnostics]
    return [(at.node_id, at.path, at.line) for at in locations if at]


def test_an_error_in_a_template_is_reported_on_the_type(tmp_path: Path) -> None:
    result = module(BAD, with_fields(text={}))

    assert errors(result, tmp_path) == [("", "node type greet 1.0.0", 5)]


def test_a_value_of_the_wrong_type_is_reported_on_its_setting(tmp_path: Path) -> None:
    workflow = chain(node("first", code="return 'x';"), node("a", "greet", n="{{ first }}"))
    result = generated(workflow, type_of(with_fields(n={"type": "number"})))

    assert errors(result, tmp_path) == [("a", "nodes.a.data.n", 1)]


def test_the_output_of_a_type_is_checked_where_it_is_used(tmp_path: Path) -> None:
    value = node_json(outputSchema={"id": {"type": "string"}})
    template = "export default async () => ({ id: 'x' });"
    workflow = chain(node("a", "greet"), node("b", code="\nreturn a.di;"))

    assert errors(generated(workflow, type_of(value, template)), tmp_path) == [
        ("b", "nodes.b.data.code", 2)
    ]

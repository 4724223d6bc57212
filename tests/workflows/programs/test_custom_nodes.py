"""Custom node types in workerd: what a template receives, and that templates do not interfere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.test_literals import NASTY
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.ir.node_jsons import node_json, type_of, types, with_fields
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all

TEXTS = [
    text
    for text in NASTY
    if text and "{{" not in text and text.encode("utf-8", "ignore").decode() == text
]
ONCE: dict[str, Any] = {"retryLimit": 0}


def run_one(
    folder: Path, workflow: Any, types: Any, *, params: Any = None, variables: Any = None
) -> dict[str, Any]:
    set_ = variables or {}
    modules = compiled({"One": workflow}, folder, types=types, variables=frozenset(set_))
    (run,) = run_all(modules, [Run(workflow="One", params=params)], variables=set_)
    return run


def test_a_template_gets_its_settings_inputs_env_and_attempt(tmp_path: Path) -> None:
    fields = with_fields(
        text={},
        long={"type": "textarea", "default": "by default"},
        number={"type": "number"},
        yes={"type": "boolean"},
        size={"type": "select", "options": ["s", "l"]},
        sizes={"type": "multiselect", "options": ["s", "l"]},
        rows={"type": "code"},
        shape={"type": "json"},
        sum={"type": "expression"},
        key={"type": "secret", "envVarName": "THE_KEY", "required": True},
        spare={"type": "secret", "envVarName": "SPARE_KEY"},
        absent={},
    )
    code = """export default async ({ config, inputs, env, attempt, idempotencyKey }) => {
  if (attempt === 1) throw new Error("once more");
  return { config, inputs, attempt, region: env.REGION, hasSpare: env.SPARE_KEY !== undefined };
};
"""
    settings: dict[str, Any] = {
        "text": "to {{ trigger.name }}",
        "number": "{{ first.n }}",
        "yes": True,
        "size": "{{ trigger.size }}",
        "sizes": ["s", "{{ trigger.size }}"],
        "rows": "first.list.map((one: number) => one * {{ first.n }})",
        "shape": '{"deep": [{{ first.n }}, "{{ trigger.name }}!"]}',
        "sum": "first.n + 1",
    }
    workflow = chain(
        node("first", code="return { n: 2, list: [1, 2] };"),
        node("it", "greet", retryLimit=1, retryDelay=10, **settings),
    )

    run = run_one(
        tmp_path,
        workflow,
        type_of(fields, code),
        params={"name": "Ada", "size": "l"},
        variables={"THE_KEY": "k1", "REGION": "eu"},
    )

    assert run["output"] == {
        "config": {
            "text": "to Ada", "long": "by default", "number": 2, "yes": True, "size": "l",
            "sizes": ["s", "l"], "rows": [2, 4], "shape": {"deep": [2, "Ada!"]}, "sum": 3,
            "key": "k1",
        },
        "inputs": {"first": {"n": 2, "list": [1, 2]}},
        "attempt": 2,
        "region": "eu",
        "hasSpare": False,
    }  # fmt: skip


@pytest.mark.long
def test_inputs_are_the_outputs_of_the_previous_nodes(tmp_path: Path) -> None:
    workflow = document(
        [
            branch("if", yes="event.payload.yes", no=""),
            node("left-hand", code="return 'left';"),
            node("right", code="return 'right';"),
            node("pause", "sleep", duration=1),
            node("it", "greet"),
            node("next", "greet"),
        ],
        "if left-hand yes", "if right no", "left-hand it", "right pause", "pause it", "it next",
    )  # fmt: skip
    code = "export default async (ctx) => Object.entries(ctx.inputs);"
    modules = compiled({"One": workflow}, tmp_path, types=type_of(node_json(), code))

    left, right = run_all(
        modules, [Run(workflow="One", params={"yes": yes}) for yes in (True, False)]
    )

    assert outputs(left)["it"] == [["left-hand", "left"]]
    assert outputs(left)["next"] == [["it", [["left-hand", "left"]]]]
    assert outputs(right)["it"] == [["left-hand", None]]


SHAPES = {
    "Named": "export default async function salute(ctx) { return [typeof salute, ctx.attempt]; }",
    "Anonymous": "export default async function (ctx: NodeContext) {\n return ['x', ctx.attempt]\n}\n;[1].map(String)",
    "Arrow": "export default async (ctx) => ['x', ctx.attempt];",
    "Bare": "export default ctx => Promise.resolve(['x', ctx.attempt])",
    "Elsewhere": "async function go(ctx) { return ['x', ctx.attempt]; }\nexport default go;",
    "Later": "export default async (ctx) => [TEXT, ctx.attempt];\nconst TEXT: string = 'x';",
    "Typed": "export type T = { a: 1 };\nexport default async (ctx) => ['x' as string, ctx.attempt];",
    "Apart": "export default async function ({ attempt }) { return ['x', attempt]; }",
    "Shadow": "const handle = 1, Env = 'x', step = 2;\nexport default async (ctx) => [Env, ctx.attempt + handle - 1];",
    "Windows": "export default async (ctx) => {\r\n  // a comment\r\n  return ['x', ctx.attempt];\r\n};",
}


@pytest.mark.long
def test_a_template_can_have_any_of_these_shapes(tmp_path: Path) -> None:
    modules: dict[str, str] = {}
    for name, code in SHAPES.items():
        folder = tmp_path / name
        folder.mkdir()
        workflow = chain(node("it", "greet"))
        modules |= compiled({name: workflow}, folder, types=type_of(node_json(), code))

    results = run_all(modules, [Run(workflow=name) for name in SHAPES])

    actual = {name: run["output"] for name, run in zip(SHAPES, results, strict=True)}
    assert actual.pop("Named") == ["function", 1]
    assert list(actual.values()) == [["x", 1]] * len(actual)


def test_names_of_templates_nodes_and_code_never_clash(tmp_path: Path) -> None:
    """Each uses the names of the others, and gets its own meaning."""
    first = """import { createHash } from "node:crypto";
import { join as URL } from "node:path";
const total = "mine";
export default async (ctx) => [typeof createHash, URL("a", "b"), total, helper()];
function helper() { return "first"; }
"""
    second = """import { basename as createHash } from "node:path";
import { inspect as total } from "node:util";
export default async (ctx) => [createHash("/a/b"), total([1]), helper()];
function helper() { return "second"; }
"""
    workflow = chain(
        node("createHash", code="return new URL('http://x/y').pathname;", **ONCE),
        node("total", code="return createHash + '!';", **ONCE),
        node("one", "greet", **ONCE),
        node("two", "other", **ONCE),
        node("runGreet", code='import { sep } from "node:path";\nreturn [sep, total];', **ONCE),
    )
    registry = types(
        (node_json(), first),
        (node_json("other"), second),
    )

    run = run_one(tmp_path, workflow, registry)

    assert outputs(run) == {
        "createHash": "/y",
        "total": "/y!",
        "one": ["function", "a/b", "mine", "first"],
        "two": ["b", "[ 1 ]", "second"],
        "runGreet": ["/", "/y!"],
    }


@pytest.mark.long
def test_two_versions_of_a_type_run_in_one_workflow(tmp_path: Path) -> None:
    registry = types(
        (node_json(), "export default async () => 'old';"),
        (node_json(version="2.0.0"), "export default async () => 'new';"),
    )
    workflow = chain(
        node("a", "greet"), node("b", "greet") | {"version": "2.0.0"}, node("c", "greet")
    )

    run = run_one(tmp_path, workflow, registry)

    assert outputs(run) == {"a": "old", "b": "new", "c": "old"}


def test_custom_nodes_run_in_loops_arms_races_and_tries(tmp_path: Path) -> None:
    value = with_fields(say={"required": True}) | {"outputSchema": {"said": {"type": "string"}}}
    code = """export default async (ctx) => {
  if (ctx.config.say === "fail") throw new NonRetryableError("failed");
  return { said: ctx.config.say };
};"""
    workflow = document(
        [
            node("each", "loop", loopType="forEach", collection="['a', 'b']"),
            node("inside", "greet", say="{{ item }}{{ i }}"),
            node("both", "parallel"),
            node("left", "greet", say="left"),
            node("right", "greet", say="right"),
            node("fast", "race"),
            node("one", "greet", say="one"),
            node("guard", "try_catch"),
            node("risky", "greet", say="fail"),
            node("rescue", "greet", say="{{ err.message }}"),
            node("end", code="return [each.results.map((one) => one.said), left.said, rescue.said];"),
        ],
        "each inside body", "each both then", "both left x", "both right y", "both fast then",
        "fast one x", "fast guard then", "guard risky try", "guard rescue catch", "guard end then",
    )  # fmt: skip

    run = run_one(tmp_path, workflow, type_of(value, code))

    last = outputs(run)["end"]
    assert last[:2] == [["a0", "b1"], "left"]
    assert "failed" in last[2]
    assert names(run).count("risky") == 1


@pytest.mark.long
def test_custom_nodes_run_in_scripts(tmp_path: Path) -> None:
    workflow = chain(
        node("it", "greet", name="EXPORT_it"),
        kind="script",
        trigger={"type": "http", "method": "POST", "path": "/"},
    )
    code = "export default async (ctx) => [ctx.attempt, ctx.idempotencyKey.length];"
    modules = compiled({"Script": workflow}, tmp_path, types=type_of(node_json(), code))

    (answer,) = run_all(modules, [Run(workflow="Script", request={"method": "POST"})])

    assert (answer["status"], answer["text"]) == (200, '{"it":[1,64]}')


@pytest.mark.long
def test_any_text_reaches_a_template_unchanged(tmp_path: Path) -> None:
    choice = {"type": "select", "options": TEXTS}
    fields = with_fields(text={"type": "textarea"}, more={"type": "json"}, one=choice)
    code = "export default async ({ config }) => [config.text, config.more, config.one];"
    workflow = chain(
        *(
            node(f"n{index}", "greet", text=text, more={text: [text]}, one=text)
            for index, text in enumerate(TEXTS)
        )
    )

    run = run_one(tmp_path, workflow, type_of(fields, code))

    assert list(outputs(run).values()) == [[text, {text: [text]}, text] for text in TEXTS]

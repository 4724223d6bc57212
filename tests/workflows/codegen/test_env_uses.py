from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.ir.node_jsons import TEMPLATE, types, with_fields
from workflows.ir.reading.bindings import BindingKind, resolve
from workflows.ir.reading.problems import InvalidIR

READ = {
    "return env.MY_KV": ["MY_KV"],
    "return this.env.A + env?.B": ["A", "B"],
    "return env['A'] + env[`B`]": ["A", "B"],
    "return (env as any).A + env!.B + (env).C": ["A", "B", "C"],
    "const { A, B: b, C = 1 } = env; return A": ["A", "B", "C"],
    "let A; ({ A } = env); return A": ["A"],
    "const { A } = this.env; return A": ["A"],
    "return env.A.get(env.B.C)": ["A", "B"],
    "return await env.A?.fetch('x')": ["A"],
    "env.A = 1": ["A"],
    "const f = (env) => env.A; return 1": ["A"],
    "// env.A\n/* env.B */ return 'env.C' + `env.D`": [],
    "return `${env.A}`": ["A"],
    "return process.env.A + event.env.B": [],
    "const env = this.env; return env.A": ["A"],
    "return {{ env.A }}": ["A"],
    "return env?.['A'] + this?.env?.B": ["A", "B"],
    "return this['env'].A + this[`env`]?.['B']": ["A", "B"],
    "const { env } = this; return env.A": ["A"],
    "const { env: { A, B: b = 2 } } = this; return A": ["A", "B"],
    "const { env: { A } = {} } = this; return A": ["A"],
    "let A; ({ env: { A } } = this); return A": ["A"],
    "const { A: { get } = {}, B: [one] } = env; return get": ["A", "B"],
    "const { A = env.B } = env; return A": ["B", "A"],
    "const { ['A']: a, 'B': b } = env; return a": ["A", "B"],
    "const f = (x = env.A) => x; return f()": ["A"],
    "const g = function ({ env }) { return env.A }; return g(1)": ["A"],
    "return (<any>env).A + (env satisfies any).B": ["A", "B"],
    "return env /* env.B */ .A // env.C": ["A"],
    "return /env.A/.test('env.B')": [],
    "return `a ${env.A} ${`${env.B} env.C`}`": ["A", "B"],
    "env.A ??= 1; delete env.B; return typeof env.C": ["A", "B", "C"],
    "return env.A ? env.B : await Promise.all([env.C.get(1)])": ["A", "B", "C"],
    "var { A } = env, { B } = this.env; return A": ["A", "B"],
    "const self = this; return self.env.A": ["A"],
    'import { env } from "cloudflare:workers"; return env.A': ["A"],
    'import { env as worker } from "cloudflare:workers"; return worker.A': ["A"],
    'import * as workers from "cloudflare:workers"; return workers.env.A': ["A"],
    'import process from "node:process"; return process.env.A': [],
    "const { env } = process; return env.A": [],
    "const env = globalThis.process.env; return env.A": [],
    "return globalThis.process.env.A + process['env'].B": [],
    "const env = { A: 1 }; return env.A": [],
    "const env = 'prod'; return fetch(`https://${env}.example.com`)": [],
    "const env = event.payload.env; return fetch(`https://${env}/`)": [],
    "const { env } = event.payload; return env.A": [],
    "const { env = 'dev' } = event.payload; return [env]": [],
    "for (const env of event.payload) await fetch(env.A)": [],
    "try { throw { A: 1 } } catch (env) { return env.A }": [],
    "return event.payload.map((env) => env.A)": [],
    "return event.payload.list.filter(({ env }) => env.A)": [],
    "return [1].forEach(async function (env) { await env.A })": [],
    "{ const env = { A: 1 }; env.B } return env.C": ["C"],
    "const load = async (env) => env.A; return await load(env.B)": ["A", "B"],
    "return retry((env) => env.A)": ["A"],
    "if (event.payload) { const { env } = process; return env.A } return env.B": ["B"],
}

UNREADABLE = [
    "const name = 'A'; return env[name]",
    "const alias = env; return alias.A",
    "return Object.keys(env)",
    "const { ...rest } = env; return rest",
    "return { env }",
    "return [env]",
    "return env['\\x41']",
    "const { env: mine } = this; return mine.A",
    "const { [event.payload]: a } = env; return a",
    "for (const key in env) return key",
    "return { ...env }",
    "const f = ({ A }) => A; return f(env)",
    "return new Proxy(env, {})",
    "return {{ env }}",
]


@pytest.mark.parametrize("code", READ)
def test_uses_of_env_are_found_in_the_syntax_tree(code: str) -> None:
    module = generated(chain(node("a", code=code)))

    assert [use.name for use in module.env_uses] == READ[code]
    assert module.problems == ()


@pytest.mark.parametrize("code", UNREADABLE)
def test_an_unclear_use_of_env_is_a_warning_on_its_node(code: str) -> None:
    (problem,) = generated(chain(node("a", code=code))).problems

    assert problem.node_id == "a"
    assert "declare the binding on the workflow" in problem.message
    assert not problem.is_error


@pytest.mark.parametrize(
    "entry",
    [
        "export async function fetch(request, env) { return new Response(env.A); }",
        "export async function fetch(request, { A }) { return new Response(A); }",
        'import { env } from "cloudflare:workers"; const kept = env.A;'
        "export const fetch = () => new Response(kept);",
        'import { env as e } from "cloudflare:workers"; export const fetch = () => new Response(e.A);',
        "// env.B\nexport const fetch = (request, env) => new Response(process.env.C ?? `${env['A']}`);",
    ],
)
def test_uses_of_env_are_found_in_entry_code(entry: str) -> None:
    uses = generated(chain(node("a")), entry_code=entry).env_uses

    assert [(use.name, use.node_id, use.path) for use in uses] == [("A", "", "entryCode")]


def test_uses_in_conditions_text_and_json_are_found_except_the_workers_own_workflow() -> None:
    ask = node("ask", "http_request", url="{{ env.HOST }}/x", headers={"a": ["{{ env.KEY }}"]})
    workflow = document(
        [branch("b", x="env.FLAG === '1'"), ask, node("s", code="await env.WORKFLOW.create()")],
        "b ask x", "ask s",
    )  # fmt: skip

    uses = generated(workflow).env_uses

    assert [(use.name, use.node_id, use.path) for use in uses] == [
        ("FLAG", "b", "nodes.b.data.branches.0.condition"),
        ("HOST", "ask", "nodes.ask.data.url"),
        ("KEY", "ask", "nodes.ask.data.headers"),
    ]


NAMES = {
    "MY_KV": BindingKind.KV, "KV_USERS": BindingKind.KV, "MY_DB": BindingKind.D1,
    "D1_X": BindingKind.D1, "MY_BUCKET": BindingKind.R2, "R2": BindingKind.R2,
    "JOBS_QUEUE": BindingKind.QUEUE, "AI": BindingKind.AI, "VECTORIZE": BindingKind.VECTORIZE,
    "ANALYTICS": BindingKind.ANALYTICS, "HYPERDRIVE": BindingKind.HYPERDRIVE,
    "MY_BROWSER": BindingKind.BROWSER, "AUTH_SERVICE": BindingKind.SERVICE,
    "AI_QUEUE": BindingKind.QUEUE, "DB_PASSWORD": "variable", "LIMITS": BindingKind.WORKFLOW,
    "OPENAI_KEY": None, "KVASIR": None,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_binding_kind_is_declared_a_variable_or_derived_from_the_name(name: str) -> None:
    declared = {"LIMITS": BindingKind.WORKFLOW}

    assert resolve(name, declared=declared, variables={"DB_PASSWORD"}) == NAMES[name]


STORE = {"type": "binding", "binding": "kv", "default": "KV"}
TYPES = types(
    (with_fields(store=STORE), TEMPLATE),
    (with_fields(store=STORE | {"binding": "d1"}) | {"id": "other"}, TEMPLATE),
)


def test_a_setting_that_names_a_binding_declares_it() -> None:
    greet = [node("a", "greet"), node("b", "greet", store="CACHE"), node("c", "greet")]

    module = generated(chain(*greet, node("d", code="return env.CACHE;")), TYPES)

    assert [(use.name, use.kind, use.node_id, use.path) for use in module.env_uses] == [
        ("KV", BindingKind.KV, "a", "nodes.a.data.store"),
        ("CACHE", BindingKind.KV, "b", "nodes.b.data.store"),
        ("KV", BindingKind.KV, "c", "nodes.c.data.store"),
        ("CACHE", BindingKind.KV, "d", "nodes.d.data.code"),
    ]
    assert "store: env.CACHE," in module.source
    assert "CACHE: KVNamespace;" in module.source


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"bindings": {"CACHE": BindingKind.D1}}, "is the name of a D1 database"),
        ({"variables": {"CACHE"}}, "is the name of a variable"),
    ],
)
def test_a_setting_cannot_name_something_else(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidIR) as refused:
        generated(chain(node("a", "greet", store="CACHE")), TYPES, **settings)

    (problem,) = refused.value.problems
    assert (problem.path, problem.node_id) == ("nodes.a.data.store", "a")
    assert f"but CACHE {reason}" in problem.message


def test_two_settings_cannot_declare_one_name_differently() -> None:
    workflow = chain(node("a", "greet", store="CACHE"), node("b", "other", store="CACHE"))

    with pytest.raises(InvalidIR) as refused:
        generated(workflow, TYPES)

    assert str(refused.value) == (
        "nodes.b.data.store: must be the name of a binding for a D1 database, but CACHE is the name "
        "of a KV namespace: choose a different name"
    )


def test_the_second_parameter_of_a_handler_is_the_environment() -> None:
    entry = """
    export const fetch = async (request, { MY_KV, KEY: key }) => Response.json(key);
    async function work(batch: MessageBatch, settings: Env) { return settings.X; }
    export { work as queue };
    """

    module = generated(chain(node("a")), entry_code=entry)

    assert [use.name for use in module.env_uses] == ["MY_KV", "KEY"]
    assert [str(problem) for problem in module.problems] == [
        "entryCode: line 3, column 46: name this parameter `env`"
    ]

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import branch, chain, document, every_type, node
from workflows.codegen.module.generate import GeneratedModule
from workflows.compilation.typescript import CompileFailed, compile_module

SAMPLE = Path(__file__).parents[3] / "workflows" / "samples" / "guide.ir.json"


def _errors(module: GeneratedModule, folder: Path) -> list[tuple[str, int, str]]:
    """Compile the module; return path, line and message of every error."""
    with pytest.raises(CompileFailed) as failed:
        compile_module(module.source, folder)
    errors = []
    for error in failed.value.diagnostics:
        location = module.locate(error.line, error.column)
        assert location is not None, error
        errors.append((location.path, location.line, error.message))
    return errors


def test_the_same_document_generates_the_same_module() -> None:
    workflow = chain(node("a"), node("b", code="return {{ a.from }}"))

    assert generated(workflow).source == generated(workflow).source


def test_code_is_emitted_byte_for_byte() -> None:
    code = "  const a = `\n\t ${1}  \n`;\r\n  return a; // 'é' 😀\u2028"

    assert f"=> {{\n{code}\n    }};" in generated(chain(node("a", code=code))).source


def test_retries_and_timeouts_are_always_explicit() -> None:
    source = generated(chain(node("a"))).source

    assert 'retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },' in source
    assert 'timeout: "10 minutes",' in source


BROKEN = {
    "}": "line 1, column 1",
    "return 1;\n}\nconst x = {": "line 2, column 1",
    "const x = `${": "line 1",
    "const a = 1;\nconst b = ;": "line 2",
    "/* open": "line 1",
    "return '\ud800'": "contains a lone surrogate",
    "return 1\0": "contains a NUL character",
    "export const a = 1": "code of a node cannot export anything",
}


@pytest.mark.parametrize("code", BROKEN)
def test_code_that_cannot_be_a_function_body_is_a_problem_with_its_line(code: str) -> None:
    problem = refusal(chain(node("a", code=code)))

    assert problem.startswith("nodes.a.data.code: ")
    assert BROKEN[code] in problem


@pytest.mark.parametrize(
    "condition", ["a) { steal(", "1; 2", "return 1", "(1", "1)", "x = {", "// nothing", "if (1) {}"]
)
def test_a_condition_must_be_a_single_expression(condition: str) -> None:
    workflow = document([branch("b", x=condition), node("a")], "b a x")

    assert "nodes.b.data.branches.0.condition: line 1" in refusal(workflow)


@pytest.mark.parametrize(
    "condition",
    [
        "1 // so",
        "1 /* so */",
        "event.payload.f(),\n1",
        "(1)",
        "'a' in {}",
        "/}/.test('x')",
        "({} as any).a",
        "a.f(), 3",
    ],
)
def test_a_condition_may_be_any_expression(condition: str, tmp_path: Path) -> None:
    first = node("a", code="return event.payload")
    workflow = document([first, branch("b", x=condition, y=""), node("c")], "a b", "b c x")

    assert compile_module(generated(workflow).source, tmp_path)


def test_all_problems_of_code_are_reported_together() -> None:
    refused = refusal(chain(node("a", code="}"), node("b"), node("c", code="require(x)")))

    assert [line.split(":")[0] for line in refused.splitlines()] == [
        "nodes.a.data.code", "nodes.c.data.code",
    ]  # fmt: skip


def test_code_outside_of_steps_has_a_single_attempt(tmp_path: Path) -> None:
    workflow = document(
        [branch("b", x="ctx.attempt === 1"), node("a", code="return ctx.attempt")], "b a x"
    )

    assert compile_module(generated(workflow).source, tmp_path)


def test_problems_of_code_and_graph_are_reported_together() -> None:
    workflow = document([node("a", code="}"), node("b"), node("lost", code="{")], "a b")

    refused = refusal(workflow, entry_code="export const x = 1")

    assert [line.split(":")[0] for line in refused.splitlines()] == [
        "nodes.lost", "nodes.a.data.code", "nodes.lost.data.code", "entryCode",
    ]  # fmt: skip


def test_a_module_with_every_type_compiles(tmp_path: Path) -> None:
    assert compile_module(generated(every_type()).source, tmp_path)


def test_a_type_error_is_found_on_its_node_and_line(tmp_path: Path) -> None:
    module = generated(
        chain(
            node("first", code="return { total: 1, list: ['a'] };"),
            node("ask", "http_request", url="https://x/{{ first.totl }}"),
            node("use", code="const { ok } = { ok: 1 };\nreturn first.totall + ok;"),
            node("wait", "sleep", duration="{{ first.lisst }} hours"),
        )
    )

    assert [(path, line) for path, line, _ in _errors(module, tmp_path)] == [
        ("nodes.ask.data.url", 1),
        ("nodes.use.data.code", 2),
        ("nodes.wait.data.duration", 1),
    ]


def test_columns_refer_to_the_users_own_code(tmp_path: Path) -> None:
    code = "return {{ a.from }} + nothing"
    module = generated(chain(node("a"), node("b", code=code)))

    with pytest.raises(CompileFailed) as failed:
        compile_module(module.source, tmp_path)
    (error,) = failed.value.diagnostics
    location = module.locate(error.line, error.column)

    assert location is not None
    assert (location.line, location.column) == (1, code.index("nothing") + 1)


def test_a_reference_in_a_string_of_code_is_a_warning_and_stays() -> None:
    module = generated(chain(node("a"), node("b", code="return '{{ a }}' + {{ a.from }}")))

    assert "return '{{ a }}' + a.from" in module.source
    (problem,) = module.problems
    assert "{{ a }} is only text here" in problem.message


COMPILES = {
    "a widened output": ["return { ok: true };", "return 1", "return a.ok === false"],
    "a list": ["return ['a'];", "return a.concat('b')", "return 1"],
    "json": ["const r = await fetch('http://x'); return await r.json();", "return a", "return 1"],
    "node": ["import { createHash } from 'node:crypto'; return createHash('md5').digest('hex')"],
    "an untyped payload": ["return event.payload.any.thing.at[0].all"],
    "a class": ["class A { #x = 1; get x() { return this.#x } } return { ...new A() }"],
    "an interface": ["interface A { b?: A } const a: A = {}; return a"],
    "the attempt": ["return ctx.attempt > 1 ? null : { ok: 1 }", "return a.ok"],
    "an error": ["if (!event.payload) throw new NonRetryableError('no'); return 1"],
    "nothing": ["await fetch('http://x')", "return a"],
    "kv": ["return await env.MY_KV.get('a', 'json')"],
    "buffers": ["return Buffer.from('a').toString('base64') + process.env.X"],
    "ai": ["return await env.AI.run('@cf/my/own', { prompt: 'x' })"],
    "every kind": ["return [env.MY_DB.prepare('x'), env.MY_BUCKET, env.MY_QUEUE.send({ a: 1 }), "
                   "env.VECTORIZE, env.HYPERDRIVE.connectionString, env.ANALYTICS, env.BROWSER, "
                   "env.A_SERVICE.fetch('http://x'), env.A_SERVICE.rpc(1), env.UNKNOWN.x.y].length"],
}  # fmt: skip


@pytest.mark.parametrize("case", COMPILES)
def test_code_as_people_write_it_compiles(case: str, tmp_path: Path) -> None:
    ids = "abcdef"
    steps = [node(ids[index], code=code) for index, code in enumerate(COMPILES[case])]

    assert compile_module(generated(chain(*steps)).source, tmp_path)


def test_packages_need_not_be_installed(tmp_path: Path) -> None:
    code = "import Stripe from 'stripe'; import x from 'stripe/x'; return new Stripe(x).charge()"
    module = generated(chain(node("a", code=code)), dependencies={"stripe": "1.0.0"})

    assert compile_module(module.source, tmp_path, dependencies=["stripe"])


def test_a_value_from_an_arm_can_be_used_after_the_join(tmp_path: Path) -> None:
    workflow = document(
        [
            branch("b", x="event.payload.x", y=""),
            node("inner", code="return { id: 1 };"),
            node("made", code="return { id: inner.id, name: 'a' };"),
            node("after", code="return made.name.length + {{ made.id }};"),
        ],
        "b inner x", "inner made", "made after", "b after y",
    )  # fmt: skip

    source = generated(workflow).source

    assert "let made: Awaited<ReturnType<typeof run_made>> | undefined;" in source
    assert compile_module(source, tmp_path)


def test_a_misspelled_value_after_a_join_is_an_error_too(tmp_path: Path) -> None:
    workflow = document(
        [branch("b", x="1", y=""), node("made", code="return { id: 1 };"),
         node("after", code="return made.ld;")],
        "b made x", "made after", "b after y",
    )  # fmt: skip

    ((path, line, message),) = _errors(generated(workflow), tmp_path)

    assert (path, line) == ("nodes.after.data.code", 1)
    assert "Property 'ld' does not exist" in message


def test_the_sample_uses_one_variable_and_compiles(tmp_path: Path) -> None:
    module = generated(json.loads(SAMPLE.read_text()), variables=frozenset({"CLOUDFLARE_API"}))

    assert [use.name for use in module.env_uses] == ["CLOUDFLARE_API"]
    assert "  CLOUDFLARE_API: string;\n" in module.source
    assert compile_module(module.source, tmp_path)


BLANKS = ["{{\u00a0a.from\u00a0}}", "{{\u2003a.from}}", "{{\n a.from\r\n}}", "{{\u2028a.from}}"]


@pytest.mark.parametrize("written", BLANKS)
def test_a_reference_may_contain_any_whitespace(written: str) -> None:
    module = generated(chain(node("a"), node("b", code=f"return {written}.length + {written};")))

    assert "return a.from.length + a.from;" in module.source
    assert module.problems == ()


@pytest.mark.parametrize("written", BLANKS)
def test_positions_after_a_reference_are_correct(written: str) -> None:
    code = f"const x = {written};\nconst y = ;"
    line = code.count("\n") + 1

    assert f"data.code: line {line}, column 9" in refusal(chain(node("a"), node("b", code=code)))


UNMATCHED = {
    "return { a: 1": "line 1, column 8: syntax error: this { is not closed",
    "if (x) {\n  return f(1;\n}": "line 3, column 1: syntax error: this } is unmatched",
    "return [1, 2": "line 1, column 8: syntax error: this [ is not closed",
    "return { a: event. }": "line 1, column 19: syntax error: a name is missing here",
    "return 1)": "line 1, column 9: syntax error: this ) is unmatched",
}


@pytest.mark.parametrize("code", UNMATCHED)
def test_a_syntax_error_says_what_is_missing_or_unmatched(code: str) -> None:
    assert UNMATCHED[code] in refusal(chain(node("a", code=code)))


@pytest.mark.parametrize("condition", ["(1", "1)", ")", "f(", "]", "a b", "= 1", "1 +", "x = {"])
def test_an_expression_is_reported_without_its_internal_parentheses(condition: str) -> None:
    refused = refusal(document([branch("b", x=condition), node("a")], "b a x"))

    assert "column 0" not in refused
    assert f"({condition}" not in refused


def test_each_line_has_its_node_whatever_line_endings_its_code_has() -> None:
    code = "const a = `\n1`;\r\nreturn a; // \u2028 b\n// end"
    module = generated(chain(node("first", code=code), node("second")))

    nodes = module.line_nodes()

    lines = module.source.split("\n")
    assert len(nodes) == len(lines)
    by_line = dict(zip(lines, nodes, strict=True))
    assert {by_line[line] for line in code.split("\n")} == {"first"}
    assert by_line["export class Flow extends WorkflowEntrypoint<Env, any> {"] == ""
    assert [id_ for id_, _ in groupby(filter(None, nodes))] == ["first", "second"]

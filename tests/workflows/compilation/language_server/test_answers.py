"""Completion, problems and other answers for a code field, from the real language server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.workflows.compilation.language_server.editors import Page, in_editor
from tests.workflows.ir.documents import branch, chain, document, every_type, node

FILES = node("files", code="return { inputParams: event, files: ['a.pdf', 'b.pdf'] };")
TYPED = chain(FILES, node("use", code="return 1"))


def completions(workflow: object, id_: str, text: str, path: str = "data.code", **more: Any) -> Any:
    """Return what is offered at the `|` in a field."""
    language = more.pop("language", "")

    async def scenario(page: Page) -> list[str]:
        page.type(id_, text, path, language)
        return await page.completions(id_, path)

    return in_editor(workflow, scenario, **more)


def problems(workflow: object, id_: str, text: str, path: str = "data.code", **more: Any) -> Any:
    """Return line, severity and message of each problem of a field with this text."""

    async def scenario(page: Page) -> list[tuple[int, int, str]]:
        page.type(id_, text, path)
        return await page.problems(id_, path)

    return in_editor(workflow, scenario, **more)


def ask(workflow: object, method: str, id_: str, text: str, **more: Any) -> Any:
    async def scenario(page: Page) -> Any:
        page.type(id_, text)
        return await page.ask(method, id_, **more)

    return in_editor(workflow, scenario)


def test_a_later_node_is_offered_the_keys_that_an_earlier_step_returns() -> None:
    assert completions(TYPED, "use", "const x = files.|") == ["files", "inputParams"]


def test_the_code_of_a_node_knows_what_the_run_provides() -> None:
    names = completions(TYPED, "use", "return |", variables=frozenset({"API_KEY"}))

    assert {"files", "env", "ctx", "event", "step", "fetch", "NonRetryableError"} <= set(names)
    assert {"attempt", "step"} <= set(completions(TYPED, "use", "ctx.|"))
    assert "payload" in completions(TYPED, "use", "event.|")
    assert "API_KEY" in completions(TYPED, "use", "env.|", variables=frozenset({"API_KEY"}))


def test_names_of_generated_code_and_of_later_nodes_are_not_offered() -> None:
    workflow = chain(node("first"), node("second"), node("third"))

    names = completions(workflow, "second", "return |")

    assert "first" in names
    assert not {"second", "third", "run_first", "storable", "Flow"} & set(names)


WAITING = chain(
    node("approval", "wait_for_event", eventType="yes"), FILES, node("use", code="return 1")
)


def test_what_a_workflow_uses_comes_first_and_types_of_the_platform_only_when_asked_for() -> None:
    async def scenario(page: Page) -> dict[str, list[str]]:
        found = {}
        for text in ("", "pay", "pa", "Base", "event.pay"):
            page.type("use", f"return {text}|")
            found[text] = await page.completions("use")
        return found

    found = in_editor(WAITING, scenario, variables=frozenset({"PAY_KEY"}))

    names = found[""]
    assert names[:2] == ["approval", "files"]
    paths = {"approval.payload", "event.payload", "env.PAY_KEY", "env.WORKFLOW"}
    assert set(names[2:6]) == paths
    assert names.index("event") < names.index("JSON") < names.index("await")
    assert not {"arguments", "run", "D1Database"} & set(names)
    assert not any(name.startswith("Base") for name in names)
    assert paths - {"env.WORKFLOW"} <= set(found["pay"])
    assert any(name.startswith("BaseAi") for name in found["Base"])
    assert "payload" in found["event.pay"]
    assert not paths & set(found["event.pay"])


def test_a_short_word_is_completed_again_when_it_gets_longer() -> None:
    assert ask(TYPED, "completion", "use", "return Ba|")["isIncomplete"]
    assert not ask(TYPED, "completion", "use", "return Bas|")["isIncomplete"]


def test_a_name_that_is_being_typed_is_replaced() -> None:
    found = ask(TYPED, "completion", "use", "return files.inp|;")

    assert found["itemDefaults"]["editRange"] == {
        "start": {"line": 0, "character": 13},
        "end": {"line": 0, "character": 16},
    }


def test_columns_count_utf_16_units() -> None:
    found = ask(TYPED, "completion", "use", "const a = '😀'; files.|")

    assert [item["label"] for item in found["items"]] == ["files", "inputParams"]
    assert found["itemDefaults"]["editRange"]["start"]["character"] == 22


def test_an_item_can_be_described() -> None:
    async def scenario(page: Page) -> Any:
        page.type("use", "files.|")
        found = await page.ask("completion", "use")
        return await page.editor.answer("completionItem/resolve", found["items"][0])

    assert in_editor(TYPED, scenario)["detail"] == "(property) files: string[]"


LOOP = document(
    [
        node("orders", code="return { list: [{ id: 1, total: 9.5 }] };"),
        node("each", "loop", collection="orders.list", itemVar="order", indexVar="n"),
        node("charge", code="return { paid: order.id };"),
        node("after", code="return 1"),
    ],
    "orders each",
    "each charge body",
    "each after then",
)


def test_the_body_of_a_loop_has_its_item_and_its_index_in_scope() -> None:
    assert completions(LOOP, "charge", "order.|") == ["id", "total"]
    assert {"order", "n"} <= set(completions(LOOP, "charge", "return |"))
    assert "order" not in completions(LOOP, "after", "return |")


def test_a_value_of_a_loop_arm_or_branch_keeps_its_type_after_it() -> None:
    branched = document(
        [
            branch("which", yes="event.payload.ok", no=""),
            node("good", code="return { sum: 1 };"),
            node("bad", code="return { reason: '' };"),
            node("end", code="return 1"),
        ],
        "which good yes",
        "which bad no",
        "which end then",
    )
    at_once = document(
        [
            node("all", "parallel"),
            node("left", code="return { l: 1 };"),
            node("later", code="return { m: left.l };"),
            node("right", code="return { r: 1 };"),
            node("end", code="return 1"),
        ],
        "all left x",
        "left later",
        "all right y",
        "all end then",
    )

    assert completions(LOOP, "after", "charge.|") == ["paid"]
    assert completions(branched, "end", "good.|") == ["sum"]
    assert completions(at_once, "end", "right.|") == ["r"]
    assert completions(at_once, "later", "left.|") == ["l"]


def test_an_expression_is_completed_like_code() -> None:
    branched = document(
        [FILES, branch("if", yes="files.files.length > 1"), node("x")], "files if", "if x yes"
    )
    repeated = document(
        [FILES, node("each", "loop", collection="files.files"), node("x")],
        "files each",
        "each x body",
    )

    condition, collection = "data.branches.0.condition", "data.collection"
    text = "files.files.|"
    assert "length" in completions(branched, "if", text, condition, language="expression")
    assert "length" in completions(repeated, "each", text, collection, language="expression")


def test_the_handler_of_an_error_has_the_error_in_scope() -> None:
    workflow = document(
        [node("guard", "try_catch"), node("risky"), node("rescue"), node("end")],
        "guard risky try",
        "guard rescue catch",
        "guard end then",
    )

    assert "err" in completions(workflow, "rescue", "return |")
    assert "err" not in completions(workflow, "risky", "return |")


def test_code_about_a_step_has_its_output_or_its_attempt_in_scope() -> None:
    book = node("book", code="return { seat: 1, train: 'ICE' };")
    workflow, without_tree = chain(book, node("use")), document([book], "book book")
    path = "data.rollback"

    assert completions(workflow, "book", "output.|", path) == ["seat", "train"]
    assert completions(workflow, "use", "output.|", "data.code") == []
    assert {"output", "error", "ctx", "event"} <= set(completions(workflow, "book", "|", path))
    assert completions(workflow, "book", "return {{ |", path)[:2] == ["output", "error"]
    assert {"output", "error"} <= set(completions(without_tree, "book", "|", path))
    delay = "data.retryDelayExpression"
    assert "toFixed" in completions(workflow, "book", "attempt.|", delay, language="expression")
    ((_, severity, message),) = problems(workflow, "book", "return output?.sheet;", path)
    assert (severity, "'sheet' does not exist" in message) == (1, True)


def test_code_about_an_item_has_the_item_in_scope() -> None:
    orders = node("orders", code="return [{ number: 1, total: 2.5 }];")
    many = node("many", "start_many", workflowId="w", items="orders")
    workflow = chain(orders, many, node("use"))

    for path in ("data.input", "data.id"):
        keys = completions(workflow, "many", "item.|", path, language="expression")
        assert keys == ["number", "total"]
    assert completions(workflow, "use", "return many[0].|") == ["existed", "id"]


def test_references_are_completed_in_code_text_and_json() -> None:
    workflow = chain(
        node("load-order", code="return { total: 1, lines: [{ sku: 'a' }] };"),
        node("send", "http_request", url="http://x.test"),
        node("use", code="return 1"),
    )

    names = completions(workflow, "use", "return {{ |")
    assert set(names[:2]) == {"load-order", "send"}
    assert {"trigger", "event", "env"} <= set(names)
    assert completions(workflow, "use", "return {{ load-order.|") == ["lines", "total"]
    assert completions(workflow, "use", "return {{ load-order.lines[0].| }};") == ["sku"]
    for language in ("text", "json"):
        text = '{"a": "{{ load-order.t| }}"}'
        assert "total" in completions(workflow, "send", text, "data.body", language=language)
        assert completions(workflow, "send", '{"a": |', "data.body", language=language) == []


def test_the_value_of_a_reference_has_its_type() -> None:
    workflow = chain(FILES, node("use", code="return 1"))

    assert "toFixed" in completions(workflow, "use", "const n = {{ files.files }}.length; n.|")
    assert completions(workflow, "use", "const files = {{ files }}.files; return files[0].char|")


def test_the_entry_code_has_completion() -> None:
    text = "export async function fetch(request: Request, env: Env) {\n  return env.|\n}"

    names = completions(TYPED, "", text, "entryCode", variables=frozenset({"API_KEY"}))

    assert {"WORKFLOW", "API_KEY"} <= set(names)


def test_hover_shows_the_type_of_an_output() -> None:
    found = ask(TYPED, "hover", "use", "return fil|es;")

    assert "files: string[]" in found["contents"]["value"]
    assert found["contents"]["kind"] == "plaintext"
    assert found["range"]["start"] == {"line": 0, "character": 7}


def test_documentation_has_no_marks_of_markdown() -> None:
    found = ask(TYPED, "hover", "use", "JSON.string|ify(1)")

    text = found["contents"]["value"]
    assert re.search(r": string\n+Converts a JavaScript value", text)
    assert "\nvalue: A JavaScript value" in text
    assert not {"`", "@", "*"} & set(text)


def test_signatures_are_shown_while_arguments_are_typed() -> None:
    found = ask(TYPED, "signatureHelp", "use", "structuredClone(|)")

    assert found["signatures"][0]["label"].startswith("structuredClone")


def test_a_definition_leads_to_the_line_or_to_the_other_node() -> None:
    local = ask(TYPED, "definition", "use", "const a = 1;\nreturn a|;")
    other = ask(TYPED, "definition", "use", "return file|s;")
    platform = ask(TYPED, "definition", "use", "return fet|ch('x');")

    assert local["range"]["start"] == {"line": 0, "character": 6}
    assert other["uri"] == "node:/files/node"
    assert platform is None


def test_a_name_is_renamed_only_if_the_code_declares_it() -> None:
    found = ask(TYPED, "rename", "use", "const a| = 1;\nreturn a;", newName="b")

    (edits,) = found["changes"].values()
    assert [edit["range"]["start"]["line"] for edit in edits] == [0, 1]
    with pytest.raises(Exception, match="Only names that this code declares"):
        ask(TYPED, "rename", "use", "return file|s;", newName="b")
    with pytest.raises(Exception, match="cannot be a name in code"):
        ask(TYPED, "rename", "use", "const a| = 1;", newName="b c")


def test_problems_have_the_line_of_the_node_and_the_severity_of_a_deploy() -> None:
    assert problems(TYPED, "use", "const a = 1;\nreturn files.nope;") == [
        (2, 1, "Property 'nope' does not exist on type '{ inputParams: Readonly<WorkflowEvent<any>> "
         "& { payload: any; }; files: string[]; }'. (TS2339)")
    ]  # fmt: skip
    assert problems(TYPED, "use", "return unknownName;")[0][:2] == (1, 1)
    assert problems(TYPED, "use", "const a = { b: 1 };\na.c = 2;\nreturn a;")[0][:2] == (2, 2)
    assert problems(TYPED, "use", "return files;") == []


def test_an_empty_condition_is_the_else_arm_and_not_broken_code() -> None:
    workflow = document([branch("b", yes="true", no=""), node("y"), node("n")], "b y yes", "b n no")
    path = "data.branches.1.condition"
    assert problems(workflow, "b", "", path) == []
    assert problems(workflow, "b", "1 +", path) != []


def test_an_output_whose_shape_changes_has_the_type_any_as_in_a_deploy() -> None:
    workflow = chain(
        node("make", code="const o = {};\no.total = 1;\nreturn o;"), node("use", code="return 1")
    )

    found = problems(workflow, "use", "return [make.total, unknownName];")

    assert [message for _, _, message in found] == ["Cannot find name 'unknownName'. (TS2304)"]


def test_broken_syntax_is_one_problem_at_its_position() -> None:
    found = problems(TYPED, "use", "const a = 1;\nconst b = ;\nreturn a;")

    assert [each[:2] for each in found] == [(2, 1)]


def test_problems_of_references_and_imports_are_found() -> None:
    found = problems(TYPED, "files", "return {{ use.x }};")
    assert found[0][2] == '"use" does not run before "files": refer to a node before this one'
    assert "does not run before" in problems(TYPED, "files", "return use;")[0][2]
    imported = problems(TYPED, "use", 'import z from "zod";\nreturn z;')
    assert "add it to the workflow's dependencies" in imported[0][2]
    assert (
        problems(TYPED, "use", 'import z from "zod";\nreturn z.x;', dependencies={"zod": "4.1.0"})
        == []
    )


def test_an_output_that_may_be_missing_is_a_warning_in_its_field() -> None:
    workflow = document(
        [branch("b", yes="event.payload.ok"), FILES, node("use")], "b files yes", "b use then"
    )

    (warning,) = problems(workflow, "use", "\nreturn files.files;")
    assert warning[:2] == (2, 2)
    assert "write `files?.files`" in warning[2]
    assert problems(workflow, "use", "return files?.files;") == []


def test_broken_code_in_another_node_changes_nothing() -> None:
    workflow = chain(FILES, node("broken", code="return {{{ `"), node("use"))

    assert completions(workflow, "use", "files.|") == ["files", "inputParams"]
    assert "broken" in completions(workflow, "use", "return |")


def test_settings_with_errors_in_other_nodes_change_nothing() -> None:
    workflow = document(
        [
            FILES,
            node("ask", "http_request"),
            node("pause", "sleep", duration="soon"),
            node("each", "loop", itemVar="1x"),
            node("inside"),
            node("use"),
        ],
        "files ask",
        "ask pause",
        "pause each",
        "each inside body",
        "each use then",
    )

    assert completions(workflow, "use", "files.|") == ["files", "inputParams"]


def test_without_a_tree_names_are_still_offered() -> None:
    workflow = chain(FILES, node("use"))
    workflow["edges"].append({"id": "back", "source": "use", "target": "files"})

    assert {"files", "env", "ctx"} <= set(completions(workflow, "use", "return |"))
    assert "trim" in completions(workflow, "use", "'a'.|")


def test_a_field_that_the_saved_draft_does_not_have_is_completed_too() -> None:
    assert completions(
        chain(FILES, node("pause", "sleep", duration="1 second")),
        "pause",
        "files.|",
        "data.until",
        language="expression",
    ) == ["files", "inputParams"]


def test_files_of_the_server_are_neither_offered_nor_mentioned() -> None:
    names = completions(TYPED, "use", 'import z from "../|";', dependencies={"zod": "4.1.0"})
    assert "zod" in names
    assert all(":" in name or name == "zod" for name in names)
    assert completions(TYPED, "use", '/// <reference path="/|" />') == []
    dynamic = completions(TYPED, "use", "const m = await import(`../|`);")
    assert not any("/" in name or "tmp" in name for name in dynamic)
    hovered = ask(TYPED, "hover", "use", "const x: Reque|st = null;")
    assert "/" not in hovered["contents"]["value"].split("\n")[0]


def test_files_of_the_server_cannot_be_described_either() -> None:
    async def scenario(page: Page) -> list[Any]:
        page.type("use", 'const m = await import(\n"/|");')
        assert await page.completions("use") == []
        items = [{"label": "x", "data": {"list": 1, "number": number}} for number in range(3)]
        return [await page.editor.answer("completionItem/resolve", item) for item in items]

    assert in_editor(TYPED, scenario) == [{"label": "x"}] * 3


def test_half_a_character_in_code_does_not_stop_the_answers() -> None:
    async def scenario(page: Page) -> list[str]:
        page.type("use", "const x = '\ud83d'; files.|")
        assert await page.completions("use") == ["files", "inputParams"]
        page.type("use", "files.|")
        return await page.completions("use")

    assert in_editor(TYPED, scenario) == ["files", "inputParams"]


def test_every_type_of_node_can_be_edited() -> None:
    assert problems(every_type(), "first", "return env.A_KV ? [1, 2] : [3];") == []

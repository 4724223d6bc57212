"""What each operation does to the tree of a document, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workflows.editing.editing import after, edit, edited, outline, start
from tests.workflows.ir.documents import Document, branch, chain, document, node
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.workbench import PLACEHOLDER_CODE, OpenDocument
from workflows.editing.operations import perform
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse


def two_arms() -> Document:
    return document(
        [node("first"), branch("choose", yes="true", no=""), node("a"), node("b"), node("last")],
        "first choose", "choose a yes", "choose b no", "a last", "b last",
    )  # fmt: skip


def meeting_arms() -> Document:
    """Two of three arms meet at a node before the join."""
    return document(
        [branch("choose", x="1", y="2", z=""), *map(node, ("a", "b", "shared", "c", "last"))],
        "choose a x", "choose b y", "choose c z", "a shared", "b shared", "shared last", "c last",
    )  # fmt: skip


def item(result: Document, node_id: str) -> dict[str, Any]:
    return next(each for each in result["nodes"] if each["id"] == node_id)


def test_a_node_is_added_between_two_others() -> None:
    result = edited(chain(node("a"), node("b")), "add", node_type="sleep", slot=after("a"))

    assert outline(result) == "a sleep b"
    assert item(result, "sleep")["data"]["duration"]


def test_a_node_is_added_at_the_start() -> None:
    result = edited(chain(node("a")), "add", node_type="step", slot=start())

    assert result["entryNodeId"] == "step1"
    assert outline(result) == "step1 a"


def test_a_node_is_added_to_an_empty_arm() -> None:
    two = document([branch("choose", yes="true", no=""), node("a"), node("z")],
                   "choose a yes", "choose z then")  # fmt: skip

    result = edited(two, "add", node_type="step", slot=start("choose", 1))

    assert outline(result) == "choose(yes: a | no: step1) z"


def test_a_node_after_the_arms_runs_whichever_arm_ran() -> None:
    result = edited(two_arms(), "add", node_type="step", slot=after("choose"))

    assert outline(result) == "first choose(yes: a | no: b) step1 last"


def test_a_node_at_the_end_of_an_arm_stays_in_the_arm() -> None:
    result = edited(two_arms(), "add", node_type="step", slot=after("a"))

    assert outline(result) == "first choose(yes: a step1 | no: b) last"


def test_a_new_loop_has_a_body_that_the_first_node_replaces() -> None:
    one = edited(chain(node("a")), "add", node_type="loop", slot=after("a"))
    two = edited(one, "add", node_type="sleep", slot=start("loop", 0))

    assert outline(one) == "a loop(body: emptyStep)"
    assert outline(two) == "a loop(body: sleep)"


def test_a_new_node_gets_its_id_from_its_name() -> None:
    result = edited(
        chain(node("a")), "add", node_type="step", name="Load the order!", slot=after("a")
    )

    assert outline(result) == "a loadTheOrder"


def test_ids_are_never_reserved_words() -> None:
    result = edited(chain(node("a")), "add", node_type="step", name="Event", slot=after("a"))

    assert outline(result) == "a event1"


def test_a_node_moves_into_an_arm() -> None:
    result = edited(two_arms(), "move", nodes=["last"], slot=start("choose", 1))

    assert outline(result) == "first choose(yes: a | no: last b)"


def test_several_nodes_move_together_in_their_order() -> None:
    result = edited(chain(*map(node, "abcd")), "move", nodes=["d", "b"], slot=start())

    assert outline(result) == "b d a c"


def test_a_move_to_the_same_place_changes_nothing() -> None:
    before = chain(*map(node, "abc"))

    assert edited(before, "move", nodes=["b"], slot=after("a")) == before


def test_a_node_cannot_move_into_itself() -> None:
    with pytest.raises(Refused, match="into itself"):
        edit(two_arms(), "move", nodes=["choose"], slot=after("a"))


def test_a_node_cannot_move_before_what_it_uses() -> None:
    before = chain(node("a"), node("b", code="return {{ a }};"))

    with pytest.raises(Refused, match="would not run before it"):
        edit(before, "move", nodes=["b"], slot=start())


def test_a_node_cannot_move_before_what_its_code_uses() -> None:
    before = chain(node("a"), node("b", code="return a.from;"))

    with pytest.raises(Refused, match="would not run before it"):
        edit(before, "move", nodes=["a"], slot=after("b"))


def test_a_node_cannot_leave_the_loop_whose_item_it_uses() -> None:
    before = document(
        [node("each", "loop", collection="[1]"), node("a", code="return item;")], "each a body"
    )

    with pytest.raises(Refused, match="not be in scope"):
        edit(before, "move", nodes=["a"], slot=after("each"))


def test_deleting_a_node_connects_its_neighbors() -> None:
    result = edited(chain(*map(node, "abc")), "delete", nodes=["b"])

    assert outline(result) == "a c"


def test_deleting_a_container_deletes_the_nodes_inside() -> None:
    result = edited(two_arms(), "delete", nodes=["choose"])

    assert outline(result) == "first last"
    assert [each["id"] for each in result["nodes"]] == ["first", "last"]


def test_deleting_the_last_node_leaves_an_empty_step() -> None:
    result = edited(chain(node("a")), "delete", nodes=["a"])

    assert outline(result) == "emptyStep"
    assert item(result, "emptyStep")["data"] == {"code": PLACEHOLDER_CODE}


def test_deleting_a_node_that_others_use_is_refused_but_can_be_forced() -> None:
    before = chain(node("a"), node("b", code="return a;"))

    with pytest.raises(Refused, match="uses the output") as refusal:
        edit(before, "delete", nodes=["a"])
    assert refusal.value.can_force
    assert outline(edit(before, "delete", nodes=["a"], force=True).document) == "b"


def test_copies_refer_to_each_other() -> None:
    before = chain(node("a"), node("b", code="return { a, x: {{ a.from }}, y: a.from };"))

    result = edited(before, "duplicate", nodes=["a", "b"])

    assert outline(result) == "a b a2 b2"
    assert item(result, "b2")["data"]["code"] == "return { a: a2, x: {{ a2.from }}, y: a2.from };"


def test_names_that_the_code_declares_are_not_rewritten() -> None:
    code = "const a = 1; return { a, b: 'a', c: { a: 2 }.a };"
    before = chain(node("a"), node("b", code=code))

    assert item(edited(before, "duplicate", nodes=["a", "b"]), "b2")["data"]["code"] == code


def test_a_copied_container_keeps_its_arms() -> None:
    result = edited(meeting_arms(), "duplicate", nodes=["choose"])

    assert outline(result).startswith("choose(x: a -> shared | y: b -> shared | z: c | : shared)")
    assert "choose2(x: a2 -> shared2 | y: b2 -> shared2 | z: c2 | : shared2)" in outline(result)


def test_nodes_are_wrapped_in_a_loop() -> None:
    result = edited(chain(*map(node, "abcd")), "wrap", nodes=["b", "c"], node_type="loop")

    assert outline(result) == "a loop(body: b c) d"


def test_only_neighbors_can_be_wrapped() -> None:
    with pytest.raises(Refused, match="consecutive nodes"):
        edit(chain(*map(node, "abc")), "wrap", nodes=["a", "c"], node_type="loop")


def test_a_container_is_replaced_with_the_nodes_inside() -> None:
    assert outline(edited(two_arms(), "unwrap", node="choose")) == "first a b last"


def test_an_arm_is_added_before_the_else_arm() -> None:
    result = edited(two_arms(), "add_arm", node="choose", label="maybe")

    assert outline(result) == "first choose(yes: a | maybe: | no: b) last"
    assert [arm["label"] for arm in item(result, "choose")["data"]["branches"]] == [
        "yes",
        "maybe",
        "no",
    ]


def test_an_arm_of_a_parallel_is_added_and_removed() -> None:
    before = document([node("all", "parallel"), node("a"), node("b")], "all a", "all b")

    added = edited(before, "add_arm", node="all")
    removed = edited(added, "remove_arm", node="all", region=0)

    assert outline(added) == "all(: a | : b | : emptyStep)"
    assert outline(removed) == "all(: b | : emptyStep)"


def test_the_last_arm_stays() -> None:
    only = document([branch("choose", yes="true"), node("a")], "choose a yes")

    with pytest.raises(Refused, match="at least one arm"):
        edit(only, "remove_arm", node="choose", region=0)


def test_the_order_of_arms_changes_with_their_conditions() -> None:
    three = document([branch("choose", x="1", y="2", z=""), node("a")], "choose a x")

    result = edited(three, "move_arm", node="choose", region=0, to=1)

    assert outline(result) == "choose(y: | x: a | z:)"
    assert [arm["condition"] for arm in item(result, "choose")["data"]["branches"]] == [
        "2",
        "1",
        "",
    ]


def test_a_renamed_arm_keeps_its_nodes() -> None:
    result = edited(two_arms(), "rename_arm", node="choose", region=0, label="good")

    assert outline(result) == "first choose(good: a | no: b) last"


def test_arms_need_different_labels() -> None:
    with pytest.raises(Refused, match="already an arm"):
        edit(two_arms(), "rename_arm", node="choose", region=0, label="no")


def test_an_arm_can_continue_at_a_node_in_another_arm() -> None:
    before = document(
        [branch("choose", x="1", y=""), *map(node, "abcd")],
        "choose a x", "a b", "choose c y", "choose d then",
    )  # fmt: skip

    result = edited(before, "reconnect", node="choose", region=1, target="b")
    apart = edited(result, "reconnect", node="choose", region=1, target="")

    assert outline(result) == "choose(x: a -> b | y: c -> b | : b) d"
    assert outline(apart) == "choose(x: a b | y: c) d"


def test_an_arm_cannot_continue_at_an_earlier_node() -> None:
    with pytest.raises(Refused, match="cannot lead back"):
        edit(two_arms(), "reconnect", node="choose", region=0, target="a")


def test_a_node_that_leads_outside_cannot_be_moved_alone() -> None:
    nested = document(
        [branch("outer", x="1", y=""), branch("inner", p="1", q=""), *map(node, ("a", "b", "shared", "c"))],
        "outer inner x", "inner shared p", "inner a q", "a shared", "outer b y", "b shared", "outer c then",
    )  # fmt: skip
    partly = {**nested, "edges": [edge for edge in nested["edges"] if edge["id"] != "a shared"]}

    with pytest.raises(Refused, match="leads to a node outside"):
        edit(partly, "move", nodes=["inner"], slot=after("outer"))


def test_a_field_is_set_and_removed() -> None:
    once = edited(chain(node("a")), "configure", node="a", field="data.retryLimit", value=3)
    again = edited(once, "configure", node="a", field="data.retryLimit")

    assert item(once, "a")["data"]["retryLimit"] == 3
    assert "retryLimit" not in item(again, "a")["data"]


def test_a_condition_is_set_in_its_arm() -> None:
    result = edited(
        two_arms(), "configure", node="choose", field="data.branches.0.condition", value="1 < 2"
    )

    assert item(result, "choose")["data"]["branches"][0] == {"label": "yes", "condition": "1 < 2"}


def test_arms_are_edited_as_a_list() -> None:
    arms = [{"label": "good", "condition": "1"}, {"label": "new", "condition": "2"},
            {"label": "no", "condition": ""}]  # fmt: skip

    result = edited(two_arms(), "configure", node="choose", field="data.branches", value=arms)

    assert outline(result) == "first choose(good: a | new: | no: b) last"


def test_an_arm_with_nodes_is_not_removed_from_the_list() -> None:
    arms = [{"label": "no", "condition": ""}]

    with pytest.raises(Refused, match="arm with nodes"):
        edit(two_arms(), "configure", node="choose", field="data.branches", value=arms)


def test_several_fields_change_together() -> None:
    changes = [
        {"field": "data.retryLimit", "value": 1},
        {"field": "data.code", "value": "return 1;"},
    ]

    result = edited(chain(node("a")), "configure", node="a", changes=changes)

    assert item(result, "a")["data"] == {"code": "return 1;", "retryLimit": 1}


def test_an_invalid_value_is_kept_as_a_problem_of_the_node() -> None:
    result = edit(chain(node("a")), "configure", node="a", field="data.retryLimit", value="often")

    assert [problem.path for problem in result.opened.parsed.problems] == [
        "nodes.a.data.retryLimit"
    ]


@pytest.mark.parametrize("field", ["id", "type", "data", "name", "data.", "position.x"])
def test_only_settings_can_be_configured(field: str) -> None:
    with pytest.raises(Refused, match="not a field"):
        edit(chain(node("a")), "configure", node="a", field=field, value="x")


def test_an_id_made_from_the_name_follows_the_name_until_it_is_used() -> None:
    added = edited(chain(node("a")), "add", node_type="step", slot=after("a"))

    renamed = edit(added, "rename", node="step1", name="Load order")
    using = edited(renamed.document, "configure", node="a", field="data.timeout", value="1 minute")
    used = edited(
        using, "add", node_type="step", data={"code": "return loadOrder;"}, slot=after("loadOrder")
    )
    kept = edit(used, "rename", node="loadOrder", name="Fetch order")

    assert renamed.renamed == {"step1": "loadOrder"}
    assert outline(renamed.document) == "a loadOrder"
    assert kept.renamed == {}
    assert item(kept.document, "loadOrder")["name"] == "Fetch order"


def test_an_id_that_a_person_chose_stays_when_the_node_is_renamed() -> None:
    assert edit(chain(node("chosen", name="x")), "rename", node="chosen", name="y").renamed == {}


def test_a_new_id_does_not_change_names_that_a_rollback_gets() -> None:
    undo = "await undo(output, {{ output.from }}); return { output };"
    before = chain(node("output"), node("b", code="return output;", rollback=undo))

    result = edited(before, "set_id", node="output", id="order")

    assert item(result, "b")["data"] == {"code": "return order;", "rollback": undo}


def test_a_new_id_replaces_every_use_of_the_old_one() -> None:
    before = chain(
        node("a"),
        node(
            "b", "http_request", url="https://x.test/{{ a.from }}", headers={"{{ a }}": "{{ a.b }}"}
        ),
        node("c", code="// a\nconst s = 'a'; return [a, {{ a }}, s.a];"),
    )

    result = edited(before, "set_id", node="a", id="order")

    assert item(result, "b")["data"]["url"] == "https://x.test/{{ order.from }}"
    assert item(result, "b")["data"]["headers"] == {"{{ order }}": "{{ order.b }}"}
    assert (
        item(result, "c")["data"]["code"]
        == "// a\nconst s = 'a'; return [order, {{ order }}, s.a];"
    )


def test_a_fragment_is_pasted_with_new_ids() -> None:
    fragment = chain(node("a"), node("b", code="return a;"))

    result = edited(chain(node("a")), "paste", fragment=fragment, slot=after("a"))

    assert outline(result) == "a a2 b"
    assert item(result, "b")["data"]["code"] == "return a2;"


def test_a_number_in_a_pasted_text_is_kept_as_written_or_refused() -> None:
    def pasted(number: str) -> Any:
        fragment = json.dumps(chain(node("b", unknown=7))).replace("7", number)
        return edited(chain(node("a")), "paste", fragment=fragment, slot=after("a"))

    assert pasted("9007199254740992")["nodes"][1]["data"]["unknown"] == 9007199254740992
    with pytest.raises(Refused, match=r"This cannot be pasted: nodes\S*\.data\.unknown"):
        pasted("9007199254740993")
    for text in ("{", "[]"):
        with pytest.raises(Refused, match="This cannot be pasted"):
            edit(chain(node("a")), "paste", fragment=text, slot=after("a"))


def test_a_fragment_without_a_tree_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be pasted"):
        edit(chain(node("a")), "paste", fragment={"nodes": []}, slot=after("a"))


def test_the_trigger_is_replaced() -> None:
    trigger = {"type": "cron", "expression": "0 3 * * *"}

    assert edited(chain(node("a")), "set_trigger", trigger=trigger)["trigger"] == trigger


@pytest.mark.parametrize(
    "operation",
    [
        None,
        [],
        {},
        {"type": "explode"},
        {"type": "add"},
        {"type": "add", "node_type": "nothing", "slot": {}},
        {"type": "add", "node_type": "step", "slot": {"after": "gone"}},
        {"type": "add", "node_type": "step", "slot": {"owner": "a", "region": 0}},
        {"type": "add", "node_type": "step", "slot": {"owner": "gone", "region": -1}},
        {"type": "move", "nodes": [], "slot": {}},
        {"type": "delete", "nodes": ["gone"]},
        {"type": "delete", "nodes": "a"},
        {"type": "wrap", "nodes": ["a"], "node_type": "step"},
        {"type": "unwrap", "node": "a"},
        {"type": "rename", "node": "a", "name": " "},
        {"type": "rename", "node": "a", "name": "two\nlines"},
        {"type": "set_id", "node": "a", "id": "1a"},
        {"type": "configure", "node": "a", "field": "data.x", "value": 2**53 + 1},
        {"type": "replace_document", "document": {}},
    ],
)
def test_unknown_operations_are_refused_with_a_sentence(operation: Any) -> None:
    with pytest.raises(Refused, match=r"\w+ .*\w+"):
        perform(OpenDocument(chain(node("a")), NODE_TYPES), operation)


def test_a_document_without_a_tree_cannot_be_edited() -> None:
    with pytest.raises(NotEditable, match="no path leads"):
        OpenDocument(document([node("a"), node("b")]), NODE_TYPES)


def test_problems_in_settings_do_not_prevent_editing() -> None:
    broken = chain(node("a", "http_request"), node("b"))

    assert parse(broken).ir is None
    assert outline(edit(broken, "delete", nodes=["b"]).document) == "a"

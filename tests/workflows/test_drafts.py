"""Drafts: revisions, conflicts, undo and redo, alone and with others."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from audit.trail import Actor
from tests.support.examples import examples
from tests.workflows.editing.editing import after, outline
from tests.workflows.editing.test_random_operations import DOCUMENTS, RandomOperations
from tests.workflows.ir.documents import Document, chain, node
from workflows import drafts, services
from workflows.drafts import ChangedMeanwhile, storing
from workflows.editing.document.refusals import Refused
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia() -> User:
    return User.objects.create_user("mia")


@pytest.fixture
def tom() -> User:
    return User.objects.create_user("tom")


def workflow_with(document: Document) -> Workflow:
    workflow = Workflow(ir=document)
    services.save_draft(workflow)
    return Workflow.objects.get(pk=workflow.pk)


def flow() -> Workflow:
    return workflow_with(chain(node("a"), node("b")))


def perform(
    workflow: Workflow, type_: str, *, by: User, revision: int | None = None, **arguments: Any
) -> drafts.Changed:
    workflow.refresh_from_db()
    base = workflow.draft_revision if revision is None else revision
    changed = drafts.change_draft(workflow.pk, {"type": type_, **arguments}, revision=base, by=by)
    workflow.refresh_from_db()
    return changed


def test_a_request_id_belongs_to_its_author(mia: User, tom: User) -> None:
    workflow = flow()
    operation = {"type": "duplicate", "nodes": ["a"]}

    for user in (mia, mia, tom):
        drafts.change_draft(workflow.pk, operation, revision=0, by=user, request_id="one")

    workflow.refresh_from_db()
    assert workflow.draft_revision == 2


def test_entry_code_is_changed_undone_and_redone_alongside_the_document(
    mia: User, tom: User
) -> None:
    workflow = flow()

    perform(workflow, "set_entry_code", by=mia, value="export const fetch = 1;")
    perform(workflow, "duplicate", by=tom, revision=0, nodes=["a"])
    assert (workflow.entry_code, workflow.draft_revision) == ("export const fetch = 1;", 2)
    with pytest.raises(ChangedMeanwhile) as conflict:
        perform(workflow, "set_entry_code", by=tom, revision=0, value="")
    assert conflict.value.current == "export const fetch = 1;"

    assert drafts.undo(workflow.pk, by=mia).summary == "Undone: Changed the entry code"
    workflow.refresh_from_db()
    assert (workflow.entry_code, outline(workflow.ir)) == ("", "a a2 b")
    drafts.redo(workflow.pk, by=mia)
    workflow.refresh_from_db()
    assert workflow.entry_code == "export const fetch = 1;"
    assert perform(workflow, "set_entry_code", by=mia, value=workflow.entry_code).summary == ""
    for value in (5, None, "x" * 1_000_001):
        with pytest.raises(Refused):
            perform(workflow, "set_entry_code", by=mia, value=value)


def test_entry_code_that_a_form_has_replaced_is_not_undone(mia: User, tom: User) -> None:
    workflow = flow()
    perform(workflow, "set_entry_code", by=mia, value="// mine")

    workflow.entry_code = "// of the form"
    services.save_draft(workflow, by=tom)

    assert workflow.draft_changes.get(revision=2).summary == "Changed the entry code"
    with pytest.raises(Refused, match="tom changed the same part"):
        drafts.undo(workflow.pk, by=mia)
    with pytest.raises(ChangedMeanwhile):
        perform(workflow, "set_entry_code", by=mia, revision=1, value="// mine again")


def test_an_operation_makes_the_next_revision(mia: User) -> None:
    workflow = flow()

    changed = perform(workflow, "add", by=mia, node_type="sleep", slot=after("a"))

    assert changed.revision == workflow.draft_revision == 1
    assert outline(workflow.ir) == "a sleep b"
    assert workflow.draft_changes.get().summary == "Added “Sleep”"


def test_the_newest_version_does_not_change(mia: User) -> None:
    workflow = flow()

    perform(workflow, "delete", by=mia, nodes=["b"])

    assert outline(workflow.newest_version.ir) == "a b"
    assert not workflow.newest_version.has_content(workflow.content)


def test_an_operation_without_effect_is_not_a_change(mia: User) -> None:
    workflow = flow()

    assert perform(workflow, "move", by=mia, nodes=["b"], slot=after("a")).summary == ""
    assert workflow.draft_revision == 0


def test_operations_on_an_older_revision_are_applied_to_the_newest_one(
    mia: User, tom: User
) -> None:
    workflow = flow()

    perform(workflow, "configure", by=mia, revision=0, node="a", field="data.retryLimit", value=1)
    perform(
        workflow, "configure", by=tom, revision=0, node="a", field="data.timeout", value="2 minutes"
    )
    perform(workflow, "add", by=tom, revision=0, node_type="sleep", slot=after("a"))

    data = workflow.ir["nodes"][0]["data"]
    assert (data["retryLimit"], data["timeout"]) == (1, "2 minutes")
    assert outline(workflow.ir) == "a sleep b"


def test_two_changes_of_one_field_are_a_conflict_that_shows_both(mia: User, tom: User) -> None:
    workflow = flow()
    perform(
        workflow, "configure", by=mia, revision=0, node="a", field="data.code", value="return 1;"
    )

    with pytest.raises(ChangedMeanwhile, match="mia changed this") as conflict:
        perform(
            workflow,
            "configure",
            by=tom,
            revision=0,
            node="a",
            field="data.code",
            value="return 2;",
        )

    assert conflict.value.current == "return 1;"
    workflow.refresh_from_db()
    assert workflow.ir["nodes"][0]["data"]["code"] == "return 1;"


def test_the_same_value_twice_is_not_a_conflict(mia: User, tom: User) -> None:
    workflow = flow()

    for user in (mia, tom):
        perform(
            workflow,
            "configure",
            by=user,
            revision=0,
            node="a",
            field="data.code",
            value="return 1;",
        )

    assert workflow.draft_revision == 1


def test_deleting_what_someone_else_has_changed_is_a_conflict(mia: User, tom: User) -> None:
    workflow = flow()
    perform(workflow, "configure", by=mia, revision=0, node="b", field="data.retryLimit", value=1)

    with pytest.raises(ChangedMeanwhile):
        perform(workflow, "delete", by=tom, revision=0, nodes=["b"])


def test_an_operation_follows_a_node_to_its_new_id(mia: User, tom: User) -> None:
    workflow = flow()
    perform(workflow, "set_id", by=mia, revision=0, node="b", id="later")

    perform(workflow, "add", by=tom, revision=0, node_type="sleep", slot=after("b"))

    assert outline(workflow.ir) == "a later sleep"


def test_undo_and_redo_restore_the_bytes(mia: User) -> None:
    workflow = flow()
    states = [json.dumps(workflow.ir)]
    for type_, arguments in (
        ("add", {"node_type": "loop", "slot": after("a")}),
        ("move", {"nodes": ["b"], "slot": {"owner": "loop", "region": 0}}),
        ("configure", {"node": "b", "field": "data.retryLimit", "value": 2}),
        ("delete", {"nodes": ["a"]}),
    ):
        perform(workflow, type_, by=mia, **arguments)
        states.append(json.dumps(workflow.ir))

    for before in reversed(states[:-1]):
        drafts.undo(workflow.pk, by=mia)
        workflow.refresh_from_db()
        assert json.dumps(workflow.ir) == before
    for later in states[1:]:
        drafts.redo(workflow.pk, by=mia)
        workflow.refresh_from_db()
        assert json.dumps(workflow.ir) == later


def test_undo_only_reverts_the_users_own_changes(mia: User, tom: User) -> None:
    workflow = flow()
    perform(workflow, "configure", by=mia, node="a", field="data.retryLimit", value=1)
    perform(workflow, "configure", by=tom, node="a", field="data.timeout", value="2 minutes")

    drafts.undo(workflow.pk, by=mia)

    workflow.refresh_from_db()
    data = workflow.ir["nodes"][0]["data"]
    assert "retryLimit" not in data
    assert data["timeout"] == "2 minutes"


def test_undo_is_refused_if_someone_else_has_changed_the_same_part(mia: User, tom: User) -> None:
    workflow = flow()
    perform(workflow, "configure", by=mia, node="a", field="data.retryLimit", value=1)
    perform(workflow, "configure", by=tom, node="a", field="data.retryLimit", value=2)

    with pytest.raises(Refused, match="cannot be undone, because tom changed"):
        drafts.undo(workflow.pk, by=mia)


def test_a_new_operation_ends_redo(mia: User) -> None:
    workflow = flow()
    perform(workflow, "delete", by=mia, nodes=["b"])
    drafts.undo(workflow.pk, by=mia)
    perform(workflow, "rename", by=mia, node="a", name="First")

    with pytest.raises(Refused, match="nothing to redo"):
        drafts.redo(workflow.pk, by=mia)


def test_nothing_to_undo_is_reported_in_a_sentence(mia: User) -> None:
    with pytest.raises(Refused, match="nothing to undo"):
        drafts.undo(flow().pk, by=mia)


def test_an_imported_document_is_a_change_that_others_see(mia: User) -> None:
    workflow = flow()

    services.import_document(chain(node("x")), into=workflow)

    assert workflow.draft_changes.get().summary == "Replaced the document"
    with pytest.raises(ChangedMeanwhile):
        perform(workflow, "rename", by=mia, revision=0, node="x", name="y")


@pytest.mark.parametrize("number", range(examples(12, 200)))
def test_two_simultaneous_editors_lose_nothing(number: int, mia: User, tom: User) -> None:
    """Values that one editor sets stay until someone who has seen them changes or deletes them."""
    random = Random(number)  # noqa: S311 - reproducible
    workflow = workflow_with(random.choice(DOCUMENTS))
    seen = {mia: 0, tom: 0}
    for turn in range(12):
        user = random.choice((mia, tom))
        if random.random() < 0.5:  # this editor has looked at the page again
            seen[user] = workflow.draft_revision
        before = workflow.ir
        operation = RandomOperations(random, drafts.open_draft(workflow)).draw()
        base = seen[user]
        try:
            drafts.change_draft(workflow.pk, operation, revision=base, by=user)
        except (Refused, ChangedMeanwhile):
            workflow.refresh_from_db()
            assert workflow.ir == before
            continue
        workflow.refresh_from_db()
        _check_kept(workflow, base, operation, turn)


def _check_kept(workflow: Workflow, base: int, operation: dict[str, Any], turn: int) -> None:
    """Check that changes by others since the operation's revision are kept."""
    last = workflow.draft_changes.first()
    if last is None or last.revision <= base:
        return
    touched = {(change["part"], change["id"]) for change in last.changes if "id" in change}
    for change in workflow.draft_changes.filter(revision__gt=base, revision__lt=last.revision):
        for theirs in change.changes:
            if theirs["part"] != "nodes" or not theirs["after"]:
                continue
            if ("nodes", theirs["id"]) in touched and operation["type"] == "configure":
                assert operation["field"] not in [path for _, path in change.touched], turn


def test_replacing_1_with_true_is_a_change(mia: User) -> None:
    workflow = flow()
    perform(workflow, "configure", by=mia, node="a", field="data.note", value=1)
    first = services.save_version(workflow, by=mia)

    perform(workflow, "configure", by=mia, node="a", field="data.note", value=True)

    assert workflow.ir["nodes"][0]["data"]["note"] is True
    assert services.save_version(workflow, by=mia).number == first.number + 1
    drafts.undo(workflow.pk, by=mia)
    workflow.refresh_from_db()
    assert repr(workflow.ir["nodes"][0]["data"]["note"]) == "1"


def test_a_version_contains_edits_made_while_the_draft_was_checked(mia: User) -> None:
    workflow = flow()
    loaded = Workflow.objects.get(pk=workflow.pk)
    perform(workflow, "rename", by=mia, node="a", name="Renamed")

    version = services.save_version(loaded, by=mia)

    workflow.refresh_from_db()
    assert version.ir["nodes"][0]["name"] == workflow.ir["nodes"][0]["name"] == "Renamed"
    assert workflow.draft_revision == 1


@pytest.mark.parametrize("operations", [1, 2])
def test_settings_are_saved_while_the_draft_is_edited(mia: User, operations: int) -> None:
    workflow = flow()
    loaded = Workflow.objects.get(pk=workflow.pk)
    for number in range(operations):
        perform(workflow, "configure", by=mia, node="a", field="data.note", value=number)

    loaded.deploy_settings = {"workersDev": False}
    services.save_draft(loaded, by=mia)

    perform(workflow, "delete", by=mia, nodes=["b"])
    assert workflow.ir["nodes"][0]["data"]["note"] == operations - 1
    assert workflow.deploy_settings == {"workersDev": False}


def test_an_import_replaces_edits_made_in_the_meantime(mia: User) -> None:
    workflow = flow()
    loaded = Workflow.objects.get(pk=workflow.pk)
    perform(workflow, "rename", by=mia, node="a", name="Renamed")

    services.import_document(chain(node("c")), into=loaded, by=Actor.of(mia))

    workflow.refresh_from_db()
    assert outline(workflow.ir) == "c"
    assert workflow.draft_revision == 2
    perform(workflow, "rename", by=mia, node="c", name="Renamed")


def test_an_operation_on_a_revision_that_is_no_longer_kept_is_refused(mia: User) -> None:
    workflow = flow()
    for number in range(3):
        perform(workflow, "configure", by=mia, node="a", field="data.note", value=number)
    workflow.draft_changes.filter(revision=1).delete()

    with pytest.raises(Refused, match="Reload"):
        perform(workflow, "rename", by=mia, revision=0, node="b", name="Late")


@pytest.mark.parametrize(
    "odd",
    [{"node": ["a"]}, {"changes": "x"}, {"changes": {"0": 1}}, {"field": 5}, {"field": "data.²"}],
    ids=range(5),
)
def test_a_conflict_that_is_not_about_a_field_has_no_other_value(
    mia: User, odd: dict[str, Any]
) -> None:
    workflow = flow()
    perform(workflow, "set_trigger", by=mia, trigger={"type": "manual"})

    with pytest.raises(ChangedMeanwhile) as conflict:
        perform(workflow, "set_trigger", by=mia, revision=0, trigger={"type": "http"}, **odd)
    assert conflict.value.current is None


def test_the_oldest_changes_are_deleted(mia: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "MAX_CHANGES", 5)
    workflow = flow()
    for number in range(9):
        perform(workflow, "configure", by=mia, node="a", field="data.note", value=number)

    assert [change.revision for change in workflow.draft_changes.all()] == [9, 8, 7, 6, 5]
    drafts.undo(workflow.pk, by=mia)
    workflow.refresh_from_db()
    assert workflow.ir["nodes"][0]["data"]["note"] == 7


def test_large_changes_are_deleted_sooner(mia: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "MAX_CHANGES_SIZE", 10_000)
    workflow = flow()
    for number in range(9):
        value = f"{number} {'x' * 2_000}"
        perform(workflow, "configure", by=mia, node="a", field="data.note", value=value)

    assert workflow.draft_changes.count() == 2
    perform(workflow, "configure", by=mia, node="a", field="data.note", value="x" * 20_000)
    assert workflow.draft_changes.count() == 1


@pytest.mark.django_db(transaction=True)
def test_simultaneous_operations_have_different_revisions(mia: User, tom: User) -> None:
    workflow = flow()

    def work(user: User) -> list[int]:
        try:
            return [
                drafts.change_draft(
                    workflow.pk, operation(user, number), revision=0, by=user
                ).revision
                for number in range(8)
            ]
        finally:
            connection.close()

    def operation(user: User, number: int) -> dict[str, Any]:
        field = f"data.{user.username}{number}"
        return {"type": "configure", "node": "a", "field": field, "value": number}

    with ThreadPoolExecutor(2) as threads:
        revisions = [each for found in threads.map(work, (mia, tom)) for each in found]

    workflow.refresh_from_db()
    assert sorted(revisions) == list(range(1, 17))
    assert workflow.ir["nodes"][0]["data"].keys() > {"mia7", "tom7", "mia0", "tom0"}

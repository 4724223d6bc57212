from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import TEMPLATE, node_json, with_fields
from workflows.models import NodeType, Workflow
from workflows.node_types.registered import snapshot, types_for
from workflows.nodes.library.library import TYPES
from workflows.services import import_document

pytestmark = pytest.mark.django_db


def write(
    folder: Path,
    value: Any,
    template: str = TEMPLATE,
    *,
    path: str = "greet/1.0.0",
    name: str = "template.ts",
) -> None:
    version = folder / path
    (version / name).parent.mkdir(parents=True, exist_ok=True)
    (version / "node.json").write_text(value if isinstance(value, str) else json.dumps(value))
    (version / name).write_text(template)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("load_node_types", *arguments, stdout=out)
    return out.getvalue()


def refused(folder: Path) -> str:
    """Return the output of a load that is refused as a whole."""
    out = io.StringIO()
    before = NodeType.objects.count()
    with pytest.raises(SystemExit) as exit_:
        call_command("load_node_types", str(folder), stdout=out, stderr=out)
    assert exit_.value.code == 1
    assert NodeType.objects.count() == before
    return out.getvalue()


def test_the_types_of_a_folder_are_loaded_once(tmp_path: Path) -> None:
    write(tmp_path, node_json())

    printed = [run(str(tmp_path)), run(str(tmp_path))]

    assert printed == ["loaded     greet 1.0.0\n", "unchanged  greet 1.0.0\n"]
    row = NodeType.objects.get()
    assert (row.type_id, row.version, row.name) == ("greet", "1.0.0", "Greet")
    assert (row.definition, row.template) == (node_json(), TEMPLATE)
    assert row.loaded_by.endswith("command line)")


@pytest.mark.parametrize(
    "linked", ["greet", "greet/1.0.0", "greet/1.0.0/node.json", "greet/1.0.0/template.ts"]
)
def test_links_in_the_folder_are_not_followed(tmp_path: Path, linked: str) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    write(outside, node_json())
    write(inside, node_json())
    link = inside / linked
    link.rename(tmp_path / "removed")
    link.symlink_to(outside / linked)

    assert "is reached through a symbolic link" in refused(inside)
    (tmp_path / "alias").symlink_to(outside)
    assert run(str(tmp_path / "alias")) == "loaded     greet 1.0.0\n"


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, node_json())
    template = tmp_path / "greet/1.0.0/template.ts"
    template.unlink()
    os.mkfifo(template)

    assert "template.ts: is not a plain file" in refused(tmp_path)


def test_the_types_of_the_library_are_not_loaded_again() -> None:
    printed = run(str(TYPES))

    assert {line.split()[0] for line in printed.splitlines()} == {"unchanged"}
    assert not NodeType.objects.exists()


@pytest.mark.parametrize("user", ["draft", "version"])
def test_a_type_of_the_library_that_is_used_cannot_be_loaded_with_other_content(
    tmp_path: Path, user: str
) -> None:
    write(tmp_path, node_json("slack"), path="slack/1.0.0")
    write(tmp_path, node_json("slack", version="1.0.1"), path="slack/1.0.1")
    slack = chain(node("a", "slack", channel="C1", text="b"))
    other = chain(node("a"))
    workflow = import_document(slack if user == "version" else other)
    Workflow.objects.filter(pk=workflow.pk).update(ir=slack if user == "draft" else other)

    assert "slack 1.0.0 comes with AwaitStep with different content" in refused(tmp_path)
    (tmp_path / "slack/1.0.0").rename(tmp_path / "removed")
    assert run(str(tmp_path)) == "loaded     slack 1.0.1\n"


def test_a_type_of_the_library_that_no_workflow_uses_can_be_replaced(tmp_path: Path) -> None:
    write(tmp_path, node_json("slack"), path="slack/1.0.0")

    assert run(str(tmp_path)) == "loaded     slack 1.0.0\n"
    assert run(str(tmp_path)) == "unchanged  slack 1.0.0\n"

    document = chain(node("a", "slack"))
    type_ = types_for(document).versions("slack")["1.0.0"]
    assert (snapshot(document)[0]["template"], type_.title) == (TEMPLATE, "Greet")


def test_the_template_of_the_provider_takes_precedence(tmp_path: Path) -> None:
    write(tmp_path, node_json())
    write(tmp_path, node_json(), TEMPLATE + "// ours\n", name="templates/cloudflare.ts")

    run(str(tmp_path))

    assert NodeType.objects.get().template.endswith("// ours\n")


def test_changed_content_needs_a_new_version(tmp_path: Path) -> None:
    write(tmp_path, node_json())
    run(str(tmp_path))
    write(tmp_path, node_json(name="Salute"))

    printed = refused(tmp_path)

    assert "refused    greet 1.0.0" in printed
    assert (
        "is already loaded with different content, and documents rely on it: use a new version"
        in printed
    )


def test_a_new_version_is_added_to_the_old_one(tmp_path: Path) -> None:
    write(tmp_path, node_json())
    run(str(tmp_path))
    write(tmp_path, node_json(version="1.1.0"), path="greet/1.1.0")

    assert run(str(tmp_path)).splitlines() == ["unchanged  greet 1.0.0", "loaded     greet 1.1.0"]


def test_a_refused_type_holds_back_all_others(tmp_path: Path) -> None:
    write(tmp_path, node_json())
    write(tmp_path, node_json("bad", providers=[]), path="bad/1.0.0")
    write(tmp_path, "{", path="worse/1.0.0")

    printed = refused(tmp_path)

    assert "held back  greet 1.0.0" in printed
    assert 'bad/1.0.0/node.json: providers: must include "cloudflare"' in printed
    assert "worse/1.0.0/node.json: is not valid JSON: line 1" in printed
    assert "Nothing was loaded: 2 node types were rejected." in printed


def test_compiler_errors_have_the_line_numbers_of_the_template(tmp_path: Path) -> None:
    fields = with_fields(name={"required": True}, times={"type": "number"})
    code = 'import { hash } from "node:crypto";\n\nexport default async (ctx) => {\n'
    write(
        tmp_path,
        fields,
        code + "  const n: number = ctx.config.name;\n  return absent_thing;\n};\n",
    )

    printed = refused(tmp_path)

    assert "greet/1.0.0/template.ts, line 4: Type 'string' is not assignable" in printed
    assert "greet/1.0.0/template.ts, line 5: Cannot find name 'absent_thing'. (TS2304)" in printed


TEMPLATES = {
    "no default export": ("const x = 1;", "write `export default async function (ctx)"),
    "two default exports": (TEMPLATE * 2, "there is already a default export"),
    "another export": (TEMPLATE + 'export * from "node:fs";', "export only the function"),
    "code that cannot be parsed": (TEMPLATE + "const x = (", "syntax error"),
    "an import of a file": ('import x from "./x";\n' + TEMPLATE, "files are not part of a Worker"),
    "an import that is not declared": ('import x from "zod";\n' + TEMPLATE, "cannot be imported"),
    "no text": ("  ", "is empty"),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_that_cannot_run_is_refused(tmp_path: Path, name: str) -> None:
    template, reason = TEMPLATES[name]
    write(tmp_path, node_json(), template)

    printed = refused(tmp_path)

    assert "greet/1.0.0/template.ts: " in printed
    assert reason in printed


LOOSE_TEMPLATES = [
    "  return { id: 5 };",
    "  const answer: any = await (await fetch('https://x.test')).json();\n  return answer.things;",
    "  const made = {}; made.id = 'x';\n  return made;",
    "  const answer = (await (await fetch('https://x.test')).json()) as unknown;\n  return { id: answer };",
]


@pytest.mark.parametrize("body", LOOSE_TEMPLATES)
def test_an_output_that_is_not_as_declared_is_a_warning(body: str, tmp_path: Path) -> None:
    value = node_json(outputSchema={"id": {"type": "string"}})
    write(tmp_path, value, f"\nexport default async function (ctx) {{\n{body}\n}}\n")

    assert "loaded     greet 1.0.0" in run(str(tmp_path))


def test_the_warning_about_an_output_names_the_line(tmp_path: Path) -> None:
    value = node_json(outputSchema={"id": {"type": "string"}})
    write(tmp_path, value, "\nexport default async function (ctx) {\n  return { id: 5 };\n}\n")

    printed = run(str(tmp_path))

    assert "greet/1.0.0/template.ts, line 2: " in printed
    assert "'number' is not assignable to type 'string'" in printed


def test_a_default_that_is_code_is_parsed(tmp_path: Path) -> None:
    write(tmp_path, with_fields(rows={"type": "code", "default": "rows.map("}))

    assert "configSchema.rows.default: line 1, column 9" in refused(tmp_path)


def test_folders_must_be_named_like_id_and_version(tmp_path: Path) -> None:
    write(tmp_path, node_json("hello", version="1.0.1"))

    printed = refused(tmp_path)

    assert 'node.json: id: is "hello", but the folder is named "greet"' in printed
    assert 'node.json: version: is "1.0.1", but the folder is named "1.0.0"' in printed


def test_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "greet" / "1.0.0").mkdir(parents=True)

    printed = refused(tmp_path)

    assert "greet/1.0.0/node.json: is missing" in printed
    assert "greet/1.0.0/template.ts: is missing" in printed


def test_a_use_of_env_that_cannot_be_analyzed_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, node_json(), "export default async ({ env }) => Object.keys(env).length;\n")

    printed = run(str(tmp_path))

    assert "warning: greet/1.0.0/template.ts: line 1, column" in printed
    assert printed.startswith("loaded")


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_folder_without_types_is_an_error(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(CommandError, match=r"cannot be read: No such file|contains no node types"):
        run(str(tmp_path / folder))


def test_a_loaded_type_cannot_be_changed(tmp_path: Path) -> None:
    write(tmp_path, node_json())
    run(str(tmp_path))

    with pytest.raises(TypeError, match="cannot be changed"):
        NodeType.objects.get().save()


def test_a_file_of_any_size_is_refused_without_reading_all_of_it(tmp_path: Path) -> None:
    write(tmp_path, node_json())
    with (tmp_path / "greet/1.0.0/template.ts").open("wb") as template:
        template.truncate(2**42)

    assert "template.ts: is larger than 1 MB" in refused(tmp_path)

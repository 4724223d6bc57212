"""Completion, descriptions and definitions in the files of a project."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.compilation.language_server.editors import Clock, open_pool
from tests.workflows.compilation.language_server.projects import (
    FLOW,
    MAIN,
    SUMS,
    ProjectDraft,
    ProjectPage,
    in_project,
    open_project,
)
from workflows.compilation.language_server import server_process
from workflows.compilation.language_server.protocol import Refused

SUMS_PATH = "src/sums.ts"


def completions(text: str, **more: Any) -> list[str]:
    async def scenario(page: ProjectPage, _draft: ProjectDraft, _clock: Clock) -> list[str]:
        page.type(text)
        return await page.completions()

    return list(in_project(scenario, **more))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("step.|", ["do", "sleep", "sleepUntil", "waitForEvent"]),
        ("this.env.|", ["API_KEY"]),
        ("total([{ | }])", ["price", "note?"]),
        ("await step.do('a', { | }, async () => 1)", ["retries?", "sensitive?", "timeout?"]),
    ],
)
def test_members_are_offered(code: str, expected: list[str]) -> None:
    assert completions(FLOW.replace("HERE", code)) == expected


def test_names_in_scope_are_offered_before_those_of_the_platform() -> None:
    found = completions(FLOW.replace("HERE", "const mine = 1; |"))

    assert found.index("mine") < found.index("total") < found.index("Response")


def test_imports_are_completed_with_the_files_and_packages_of_the_project() -> None:
    files = {"lib/view.tsx": "", "src/types.d.ts": "", "README.md": ""}
    offered = completions('import a from "|"', files=files, packages=("zod",))

    assert offered[:3] == ["./sums", "../lib/view", "zod"]
    assert "cloudflare:workers" in offered
    assert not [name for name in offered if "types" in name or "README" in name]
    assert {"Row", "total"} <= set(completions('import { | } from "./sums"'))


def test_a_name_is_described_and_found_in_another_file() -> None:
    async def scenario(page: ProjectPage, _draft: ProjectDraft, _clock: Clock) -> None:
        page.type_in_run("to|tal([])")
        assert "function total(rows: Row[]): number\n\nAdds prices." in await page.hover()
        place = await page.ask("definition")
        assert place["uri"] == "project:/src%2Fsums.ts"
        assert place["range"]["start"] == {"line": 3, "character": 16}
        page.type_in_run("total(|)")
        (signature,) = (await page.ask("signatureHelp"))["signatures"]
        assert signature["label"] == "total(rows: Row[]): number"
        page.type_in_run("step.d|o('a', async () => 1)")
        assert await page.ask("definition") is None  # in the types of Cloudflare

    in_project(scenario)


def test_an_item_of_the_list_is_described() -> None:
    async def scenario(page: ProjectPage, _draft: ProjectDraft, _clock: Clock) -> None:
        page.type_in_run("tot|")
        items = (await page.ask("completion"))["items"]
        item = next(each for each in items if each["label"] == "total")
        described = await page.editor.answer("completionItem/resolve", item)
        assert described["documentation"] == "Adds prices."

    in_project(scenario)


def test_what_is_typed_in_one_file_counts_in_the_others_of_the_same_page() -> None:
    async def run() -> None:
        clock = Clock()
        async with open_pool(clock) as pool:
            draft = ProjectDraft()
            page, other = open_project(pool, draft), open_project(pool, draft)
            page.type(SUMS.replace("price", "typed"), SUMS_PATH)
            for each in (page, other):
                each.type_in_run("total([{ | }])")

            assert await page.completions() == ["typed", "note?"]
            assert await other.completions() == ["price", "note?"]
            assert await page.completions() == ["typed", "note?"]
            assert page.session is other.session

    asyncio.run(run())


def test_saved_changes_count_and_only_new_files_need_a_new_server() -> None:
    async def scenario(page: ProjectPage, draft: ProjectDraft, clock: Clock) -> None:
        page.type_in_run("total([{ | }])")
        await page.completions()
        first = page.session.server
        draft.files[SUMS_PATH] = SUMS.replace("price", "saved")
        clock.advance(2)
        assert await page.completions() == ["saved", "note?"]
        assert page.session.server is first

        draft.files["src/more.ts"] = "export const added = 1;"
        clock.advance(2)
        page.type('import { | } from "./more"')
        assert "added" in await page.completions()
        assert page.session.server is not first

    in_project(scenario)


@pytest.mark.parametrize(
    "address",
    [
        "project:/..%2F..%2Fetc%2Fpasswd",
        "project:/%2Fetc%2Fpasswd",
        "project:/src/./index.ts",
        "project:/",
        "file:///etc/passwd",
        "node:/a/data.code",
        None,
    ],
)
def test_only_paths_in_the_project_are_opened(address: object) -> None:
    async def scenario(page: ProjectPage, _draft: ProjectDraft, _clock: Clock) -> None:
        document = {"uri": address, "languageId": "typescript", "text": ""}
        with pytest.raises(Refused, match="only the files of the project"):
            page.editor.notify("textDocument/didOpen", {"textDocument": document})

    in_project(scenario)


def test_a_file_that_the_draft_does_not_have_is_not_sent_to_the_server() -> None:
    async def scenario(page: ProjectPage, _draft: ProjectDraft, _clock: Clock) -> None:
        for path in ("src/other.ts", "tsconfig.json", "etc/passwd"):
            page.type("const a = 1; a|", path)
            assert await page.hover(path) == ""
            assert await page.completions(path) == []
            assert path not in page.session._shown

    in_project(scenario)


def test_nothing_in_a_project_makes_the_server_read_other_files(tmp_path: Path) -> None:
    (tmp_path / "secret.ts").write_text("export const secret = 42;\n")
    outside = tmp_path / "secret"
    settings = {"compilerOptions": {"module": "esnext"}, "files": ["index.ts", f"{outside}.ts"]}
    files = {
        "src/tsconfig.json": json.dumps(settings),
        "src/jsconfig.json": json.dumps(settings),
        "package.json": json.dumps({"imports": {"#secret": f"{outside}.ts"}}),
        "src/a.d.ts": f'/// <reference path="{outside}.ts" />\nexport {{}};',
    }
    imports = f"""\
import one from "./tsconfig.json";
import two from "../package.json";
import {{ secret }} from "{outside}";
import {{ secret as hidden }} from "#secret";
"""

    async def scenario(page: ProjectPage, _draft: ProjectDraft, _clock: Clock) -> None:
        for name in ("secret", "hidden", "secret as hidden, one, two"):
            page.type(f"{imports}export {{ {name[:3]}|{name[3:]} }};")
            assert "42" not in await page.hover()
            place = await page.ask("definition")
            assert place is None or place["uri"] == "project:/src%2Findex.ts"
        for start in (f'import "{tmp_path}/|"', 'import\n"/|"', '/// <reference path="/|" />'):
            page.type(start)
            assert not [each for each in await page.completions() if "secret" in each]

    in_project(scenario, {**files, MAIN: imports})


def test_answers_have_no_paths_of_the_server() -> None:
    async def scenario(page: ProjectPage, _draft: ProjectDraft, _clock: Clock) -> None:
        page.type('import * as sums from "./su|ms";')
        about_file = await page.hover()
        page.type('import * as sums from "./sums"; su|ms;')
        about_name = await page.hover()
        folder = page.session._folder
        assert "sums" in about_file
        assert "sums" in about_name
        assert str(folder) not in about_file + about_name
        assert str(folder.parent) not in about_file + about_name

    in_project(scenario)


def test_a_killed_server_is_restarted() -> None:
    async def scenario(page: ProjectPage, _draft: ProjectDraft, _clock: Clock) -> None:
        page.type_in_run("step.s|")
        await page.completions()
        server = page.session.server
        assert server is not None
        os.killpg(server.pid, signal.SIGKILL)
        await asyncio.gather(*server._tasks)  # they end with the process
        assert "sleep" in await page.completions()
        for _ in range(3):
            await page.session._failed(server_process.ServerFailed("killed"))
        with pytest.raises(Refused, match="not available"):
            await page.completions()

    in_project(scenario)


def test_a_text_that_makes_a_server_hang_is_kept_from_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(page: ProjectPage, _draft: ProjectDraft, clock: Clock) -> None:
        page.type("to|", SUMS_PATH)
        page.type_in_run("|")
        await page.completions()
        page.type_in_run("slow|")
        with monkeypatch.context() as patch:
            patch.setattr(server_process, "REQUEST_SECONDS", 0)
            with pytest.raises(Refused, match="not available"):
                await page.completions()
        with pytest.raises(Refused, match="not available"):
            await page.completions()

        assert "WorkflowEntrypoint" not in await page.completions(SUMS_PATH)
        assert page.session._shown[MAIN] == ""
        clock.advance(300)
        page.type_in_run("step.|")
        assert "sleep" in await page.completions()

    in_project(scenario)

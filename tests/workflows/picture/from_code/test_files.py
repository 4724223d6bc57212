"""The class is found in the files of a project, whatever their language and however it is exported."""

from __future__ import annotations

import pytest

from tests.workflows.picture.from_code.sketches import MAIN, drawn, of_files, sketch
from workflows.picture.from_code.class_picture import picture_of_class

RUN = '{ async run(event, step) { await step.do("only", work); } }'
CLASS = f"class Flow extends WorkflowEntrypoint<Env, Params> {RUN}"


@pytest.mark.parametrize(
    "source",
    [
        f"export {CLASS}",
        f"{CLASS}\nexport {{ Flow }};",
        f"{CLASS.replace('Flow', 'Inner')}\nexport {{ Inner as Flow }};",
        f"export default {CLASS}",
        f"{CLASS}\nexport default Flow;",
        f"export const Flow = class extends WorkflowEntrypoint {RUN};",
        f"export const Flow = instrument(options, class extends WorkflowEntrypoint {RUN});",
        f"{CLASS.replace('Flow', 'Base')}\nexport const Flow = instrument((env) => env, Base);",
        "export class Flow extends WorkflowEntrypoint {"
        ' run = async (event, step) => { await step.do("only", work); }; }',
        f"abstract {CLASS.replace('Flow', 'Base')}\nexport class Flow extends Base {{}}",
        "export class Flow extends WorkflowEntrypoint {"
        ' async run(event: WorkflowEvent<Params>, { do: run }: WorkflowStep) { await run("only", f); } }',
    ],
)
def test_the_class_can_be_exported_in_any_way(source: str) -> None:
    assert sketch(of_files({MAIN: source})) == "do only"


@pytest.mark.parametrize(
    ("main", "path"),
    [
        ('export { Flow } from "./flow";', "src/flow.ts"),
        ('export { Inner as Flow } from "./flow";', "src/flow.ts"),
        ('export * from "./flow";', "src/flow.js"),
        ('export * from "./flow";', "src/flow/index.mts"),
        ('export { Flow } from "./flow.js";', "src/flow.ts"),
        ('import { Flow } from "../flow";\nexport { Flow };', "flow.tsx"),
        ('import Own from "./flow.mjs";\nexport { Own as Flow };', "src/flow.mjs"),
    ],
)
def test_the_class_can_be_in_another_file(main: str, path: str) -> None:
    name = "Inner" if "Inner" in main else "Flow"
    source = f"export {'default ' if 'Own' in main else ''}{CLASS.replace('Flow', name)}"
    found = of_files({MAIN: main, path: source})

    assert sketch(found) == "do only"
    assert {place.file for place in found.places.values()} == {path}


def test_paths_of_the_compiler_are_followed() -> None:
    flow = CLASS.replace('step.do("only", work)', "save(step)")
    files = {
        MAIN: 'export { Flow } from "~flows";',
        "lib/flows/index.ts": f'import {{ save }} from "@/steps/save";\nexport {flow}',
        "src/steps/save.ts": 'export const save = (step) => step.do("save", work);',
    }
    aliases = {"@/*": ["lib/*"], "@/steps/*": ["steps/*", "src/steps/*"], "~flows": ["lib/flows"]}

    assert sketch(picture_of_class(files, MAIN, "Flow", aliases=aliases)) == "do save"
    assert not picture_of_class(files, MAIN, "Flow")


def test_the_main_file_can_be_written_with_a_dot() -> None:
    assert sketch(of_files({MAIN: f"export {CLASS}"}, main="./src/index.ts")) == "do only"


def test_javascript_with_jsx_is_read() -> None:
    source = "const view = <p>{1}</p>;\nexport " + CLASS.replace("<Env, Params>", "")

    assert sketch(of_files({"worker.js": source}, main="worker.js")) == "do only"


def test_minified_code_is_read() -> None:
    source = (
        'import{WorkflowEntrypoint as a}from"cloudflare:workers";var b=class extends a{async run(c,d)'
        '{let e=await d.do("first",async()=>1);if(e)return d.sleep("pause",1e3);await d.do("last",f)}};'
        "export{b as Flow};"
    )
    found = of_files({MAIN: source})

    assert sketch(found) == drawn("""
        do first
        branch e
          yes:
            sleep pause
            return Return
        do last
    """)
    assert list(found.places) == [f"{MAIN}:1", *(f"{MAIN}:1#{number}" for number in range(2, 6))]


def test_files_that_import_each_other_are_read() -> None:
    files = {
        MAIN: f'import {{ a }} from "./a";\nexport {CLASS.replace("work", "a")}\nexport * from "./a";',
        "src/a.ts": 'export * from "./b";\nexport { a } from "./b";',
        "src/b.ts": 'export * from "./a";\nexport { a } from "./a";',
    }

    assert sketch(of_files(files)) == "do only"
    assert "exports no class Other" in of_files(files, name="Other").message


def test_files_that_are_not_code_are_ignored() -> None:
    files = {
        MAIN: f'import logo from "./logo.png";\nimport {{ a }} from "./data";\nexport {CLASS}',
        "src/logo.png": {"base64": "aGVsbG8="},
        "src/data": "export const a = 1;",
        "package.json": "{}",
        "node_modules/x/index.js": "export const x = 1;",
    }

    assert sketch(of_files(files)) == "do only"


def test_only_the_class_with_the_name_is_read() -> None:
    other = CLASS.replace("Flow", "Other").replace("only", "other")
    files = {MAIN: f"export {CLASS}\nexport {other}\nexport default {{ fetch() {{}} }};"}

    assert sketch(of_files(files)) == "do only"
    assert sketch(of_files(files, name="Other")) == "do other"


def test_without_the_class_there_is_a_reason() -> None:
    assert of_files({}).message == "There is no picture, because src/index.ts does not exist."
    assert of_files({MAIN: CLASS}).message == (
        "There is no picture, because src/index.ts exports no class Flow."
    )
    assert of_files({MAIN: "export class Flow {}"}).message == (
        "There is no picture, because the class Flow has no method run."
    )
    assert of_files({MAIN: "/" * 1_000_001}).message == (
        "There is no picture, because src/index.ts is too long to read."
    )
    assert not of_files({})


def test_broken_code_is_drawn_as_far_as_it_can_be_read() -> None:
    source = """export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("first", async () => {
      const x = = 1;
    });
    if (event.payload.ok) {
      await step.do("second", work);
    }
  }
}
"""
    found = of_files({MAIN: source})

    assert sketch(found) == drawn("""
        do first
        branch event.payload.ok
          yes:
            do second
    """)
    [problem] = found.problems
    assert (problem.file, problem.line) == (MAIN, 4)
    assert str(problem).startswith("src/index.ts, line 4, column ")


def test_code_that_ends_in_the_middle_is_drawn() -> None:
    source = """export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("first", work);
    await step.do("second", async () => {
"""
    found = of_files({MAIN: source})

    assert sketch(found) == drawn("""
        do first
        do second
    """)
    assert [str(problem) for problem in found.problems] == [
        "src/index.ts, line 4, column 41: syntax error: this { is not closed"
    ]


def test_the_syntax_of_imported_files_is_checked() -> None:
    files = {
        MAIN: f'import {{ work }} from "./work";\nexport {CLASS}',
        "src/work.ts": "export const work = async () => {\n  const x = = 1;\n};",
    }

    assert [(problem.file, problem.line) for problem in of_files(files).problems] == [
        ("src/work.ts", 2)
    ]

"""The code of projects: type-checked, bundled by wrangler, and run; or refused with its file and line."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from deployments.pipeline.stages import Stage
from targets.cloudflare.errors import Cause
from targets.models import Target
from tests.deployments.projects.examples import code, deployed, files, last_stage, refused
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target
from workflows.documents.projects.files import ProjectFiles, stored
from workflows.ir.reading.problems import InvalidIR
from workflows.projects import import_project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

# (module (func (export "answer") (result i32) i32.const 42))
WASM = base64.b64decode("AGFzbQEAAAABBQFgAAF/AwIBAAcKAQZhbnN3ZXIAAAoGAQQAQSoL")


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def answer(platform: Platform, worker: str) -> Any:
    """Return what the handler of the deployed project returns."""
    got = platform.fetch(worker)
    assert got.status_code == 200, got.text
    return got.json()


def refusal(project: ProjectFiles, target: Target) -> str:
    """Return why the deployment of the project fails while its code is built."""
    failed = refused(project, target)
    assert last_stage(failed) == Stage.GENERATING_CODE
    assert failed.cause == Cause.CODE, failed.message
    return failed.message


def test_a_type_error_is_reported_with_its_file_and_line(target: Target) -> None:
    broken = "export const one = 1;\nexport const total: number = one.toFixd(2);\n"
    main = code("return total;", imports='import { total } from "./lib/sums";')

    message = refusal(files("typed", main, **{"src/lib/sums.ts": broken}), target)

    assert "The code has type errors:" in message
    assert "src/lib/sums.ts, line 2: Property 'toFixd' does not exist on type" in message


def test_what_may_be_right_is_a_warning(target: Target, platform: Platform) -> None:
    main = code(fetched="return parseInt(2);")

    done = deployed(files("loose", main), target)

    assert answer(platform, done.worker_name) == 2
    assert "src/index.ts" in str(done.warnings)


def test_a_missing_file_is_reported_with_the_line_that_imports_it(target: Target) -> None:
    main = code("return gone;", imports='import { gone } from "./gone";')

    message = refusal(files("missing", main), target)

    expected = 'src/index.ts, line 2: Could not resolve "./gone". The project has no such file.'
    assert expected in message


def test_a_package_that_is_not_in_package_json_is_reported(target: Target) -> None:
    main = code("return ms(1);", imports='import ms from "ms";')

    message = refusal(files("no-ms", main), target)

    assert 'src/index.ts, line 2: Could not resolve "ms". Add the package to' in message


def test_a_class_that_is_not_exported_is_reported_with_the_line_of_the_configuration(
    target: Target,
) -> None:
    main = code(class_name="Other")

    message = refusal(files("unexported", main), target)

    assert "wrangler.toml, line 8: src/index.ts does not export a class Flow." in message


def test_problems_of_the_configuration_name_its_line() -> None:
    wrong = 'workers_dev = "yes"\n[[durable_objects.bindings]]\nname = "A"\nclass_name = "A"\n'

    with pytest.raises(InvalidIR) as invalid:
        import_project({**files("wrong"), "wrangler.toml": 'main = "src/index.ts"\n' + wrong})

    problems = [str(problem) for problem in invalid.value.problems]
    assert any("line 2" in each and "workers_dev" in each for each in problems)
    assert any("line 3" in each and "durable_objects" in each for each in problems)
    assert any("compatibility_date" in each for each in problems)


@pytest.mark.parametrize(
    "specifier",
    ["../../../../../etc/hostname", "/etc/hostname", "/proc/self/environ", "file:///etc/hostname"],
)
def test_files_of_the_server_cannot_be_imported(target: Target, specifier: str) -> None:
    project = files("outside", code("return text;", imports=f'import text from "{specifier}";'))

    failed = refused(project, target)

    assert last_stage(failed) == Stage.GENERATING_CODE
    assert "Nothing was uploaded" in failed.message or f'"{specifier}"' in failed.message


def test_bundling_writes_no_file_outside_of_its_folder(target: Target, tmp_path: Path) -> None:
    written = tmp_path / "written.txt"
    imports = f'import text from "{"../" * 8}{str(written).lstrip("/")}";'
    main = "a/b/c/d/e/f/g/h/index.ts"
    project = files("writes", **{main: code(imports=imports, fetched="return text;")})
    settings = str(project.pop("wrangler.toml")).replace("src/index.ts", main)
    project["wrangler.toml"] = "preserve_file_names = true\n" + settings
    project[str(written).lstrip("/")] = "from the project"

    deployed(project, target)

    assert not written.exists()


def test_code_for_no_bundler_is_bundled(target: Target, platform: Platform) -> None:
    imports = 'import { total } from "./sums";'
    project = files("whole", code(imports=imports, fetched="return total;"))
    project["src/sums.ts"] = "export const total = 3;"
    project["wrangler.toml"] = "no_bundle = true\n" + str(project["wrangler.toml"])

    done = deployed(project, target)

    assert answer(platform, done.worker_name) == 3


@pytest.mark.long
def test_text_data_and_wasm_modules_are_imported(target: Target, platform: Platform) -> None:
    imports = (
        'import text from "./note.txt";\nimport page from "../pages/page.html";\n'
        'import data from "./data.bin";\nimport wasm from "./answer.wasm";'
    )
    fetched = (
        "const { exports } = await WebAssembly.instantiate(wasm);"
        "return [text, page, data.byteLength, (exports.answer as () => number)()];"
    )
    modules: dict[str, Any] = {
        "src/note.txt": "a note",
        "pages/page.html": "<p>ü</p>",
        "src/data.bin": stored(b"\0\xff\0"),
        "src/answer.wasm": stored(WASM),
    }

    done = deployed(files("modules", code(imports=imports, fetched=fetched), **modules), target)

    assert answer(platform, done.worker_name) == ["a note", "<p>ü</p>", 3, 42]


@pytest.mark.long
def test_rules_and_additional_modules_say_what_is_uploaded_with_the_code(
    target: Target, platform: Platform
) -> None:
    more = (
        'base_dir = "src"\nfind_additional_modules = true\n'
        'rules = [{type = "ESModule", globs = ["plugins/*.js"]},'
        ' {type = "Text", globs = ["**/*.md"], fallthrough = true}]\n'
    )
    fetched = "return [page, (await import(`./plugins/${page.trim()}.js`)).default];"
    project = files("ruled", code(imports='import page from "./pages/a.md";', fetched=fetched))
    project["wrangler.toml"] = more + str(project["wrangler.toml"])
    project |= {"src/pages/a.md": "one\n", "src/plugins/one.js": "export default 1;"}
    project["src/secrets.json"] = "{}"

    done = deployed(project, target)

    assert answer(platform, done.worker_name) == ["one\n", 1]


@pytest.mark.long
def test_json_aliases_and_decorated_paths_work(target: Target, platform: Platform) -> None:
    imports = 'import { tax } from "@lib/tax.js";\nimport rates from "../rates.json";'
    others = {
        "rates.json": '{"de": 19}',
        "src/lib/tax.ts": "export const tax = (cents: number, rate: number) => (cents * rate) / 100;",
        "tsconfig.json": '{"compilerOptions": {"paths": {"@lib/*": ["./src/lib/*"]}}}',
    }

    done = deployed(
        files("aliases", code(imports=imports, fetched="return tax(200, rates.de);"), **others),
        target,
    )

    assert answer(platform, done.worker_name) == 38


@pytest.mark.long
def test_modules_of_node_are_imported_with_their_flag(target: Target, platform: Platform) -> None:
    imports = 'import path from "path";\nimport { createHash } from "node:crypto";'
    fetched = (
        'const { EventEmitter } = require("events");'
        'return [path.join("a", "b"), createHash("md5").update("a").digest("hex").length,'
        " typeof EventEmitter, Buffer.from([1]).length];"
    )
    project = files("of-node", code(imports=imports, fetched=fetched))
    flags = 'compatibility_flags = ["nodejs_compat"]\n'
    project["wrangler.toml"] = flags + str(project["wrangler.toml"])

    done = deployed(project, target)

    assert answer(platform, done.worker_name) == ["a/b", 32, "function", 1]


@pytest.mark.long
def test_javascript_without_types_is_deployed(target: Target, platform: Platform) -> None:
    main = (
        'import { WorkflowEntrypoint } from "cloudflare:workers";\n'
        "export class Flow extends WorkflowEntrypoint {\n"
        "  async run(event, step) { return step.do('one', async () => event.payload.n); }\n}\n"
        "export default { fetch: () => Response.json('plain') };\n"
    )
    project = files("plain-js")
    project["wrangler.toml"] = str(project["wrangler.toml"]).replace("src/index.ts", "index.mjs")

    done = deployed({"wrangler.toml": project["wrangler.toml"], "index.mjs": main}, target)

    assert answer(platform, done.worker_name) == "plain"


def test_the_code_itself_is_never_run_while_it_is_built(target: Target) -> None:
    main = code(imports='throw new Error("started");')

    failed = refused(files("throws", main), target)

    assert last_stage(failed) == Stage.DEPLOYING
    assert failed.cause == Cause.CODE
    assert "started" in failed.message


def test_build_commands_and_scripts_are_refused_or_ignored(target: Target, tmp_path: Any) -> None:
    marker = tmp_path / "ran"
    build = f'[build]\ncommand = "touch {marker}"\n'
    with pytest.raises(InvalidIR, match="never run"):
        import_project(files("built", more=build))
    scripts = f'{{"scripts": {{"preinstall": "touch {marker}", "deploy": "touch {marker}"}}}}'

    deployed(files("scripted", **{"package.json": scripts}), target)

    assert not marker.exists()

"""npm packages cannot read files of the server through the bundler."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployments.pipeline.adapters import npm, wrangler
from deployments.pipeline.adapters.bundler import Bundler, write_bundled, write_modules
from deployments.pipeline.adapters.remote_tools import Hooks, ProgramRun
from deployments.pipeline.ports import Bundle
from targets.cloudflare.errors import Cause, DeployError
from tests.support.patience import PATIENCE
from toolchain import spare_programs
from toolchain.process import ProgramResult, ProgramTimeout

SECRET = "tRE8-a-secret-of-the-server"
CONFIG = {
    "name": "worker",
    "main": "worker.js",
    "compatibility_date": "2026-11-01",
    "compatibility_flags": ["nodejs_compat"],
    "vars": {"KEPT": "away"},
}
MANIFEST = {"name": "pack", "version": "1.0.0", "main": "index.js"}


class Build:
    """A folder as npm leaves it, next to a folder with secrets."""

    def __init__(self, root: Path) -> None:
        self.build = root / "build"
        self.packages = self.build / "packages"
        self.pack = self.packages / "node_modules" / "pack"
        self.into = root / "deploy"
        self.outside = root / "server"
        for folder in (self.pack, self.into, self.outside):
            folder.mkdir(parents=True)
        self.write("index.js", "export default 1;")
        self.write("package.json", json.dumps(MANIFEST))
        self.main('import value from "pack";\nexport default { fetch: () => new Response(value) };')
        self.shown: list[ProgramRun] = []

    def main(self, code: str) -> None:
        (self.packages / "worker.js").write_text(code)

    def write(self, name: str, text: str | bytes) -> None:
        (self.pack / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    def secret(self, name: str, text: str = f"key = {SECRET}") -> Path:
        path = self.outside / name
        path.write_text(text)
        return path

    def bundler(self) -> Bundler:
        hooks = Hooks(
            program_started=lambda _pid: None,
            program_ended=self.shown.append,
            before_write=lambda: None,
        )
        cache = self.build / "cache"
        no_spares = wrangler.spares(0, cache=cache)
        return Bundler(hooks=hooks, cache=cache, timeout=PATIENCE, spares=no_spares)

    def run(self) -> None:
        bundled = self.bundler().bundle(self.packages, CONFIG)
        write_modules(self.into, bundled.script, bundled.modules)

    def refusal(self) -> str:
        with pytest.raises(DeployError) as error:
            self.run()
        assert error.value.cause is Cause.PACKAGES
        assert list(self.into.iterdir()) == []
        shown = "".join(run.text for run in self.shown)
        assert SECRET not in f"{shown}{error.value}"
        return str(error.value)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path)


UP = "../../../../server"


def relative(build: Build) -> None:
    build.secret("key.js", f"export default '{SECRET}';")
    build.write("index.js", f'import value from "{UP}/key.js";\nexport default value;')


def absolute(build: Build) -> None:
    path = build.secret("data.json", json.dumps({"key": SECRET}))
    build.write("index.js", f'import value from "{path}";\nexport default value.key;')


def main_outside(build: Build) -> None:
    build.secret("key.js", f"export default '{SECRET}';")
    build.write("package.json", json.dumps(MANIFEST | {"main": f"{UP}/key.js"}))


def text(build: Build) -> None:
    build.secret("key.txt")
    build.write("index.js", f'import value from "{UP}/key.txt";\nexport default value;')


def extensionless(build: Build) -> None:
    build.secret("key")
    build.write("index.js", f'import value from "{UP}/key";\nexport default value;')


def extensionless_code(build: Build) -> None:
    build.secret("key", f"KEY='{SECRET}'\n")
    build.write("index.js", f'import "{UP}/key";\nexport default 1;')


def required(build: Build) -> None:
    build.secret("key.js", f"module.exports = '{SECRET}';")
    build.write("index.js", f'module.exports = require("{UP}/key.js");')


def globbed(build: Build) -> None:
    build.secret("key.js", f"export default '{SECRET}';")
    build.write("index.js", f"export default (name) => import(`{UP}/${{name}}.js`);")


def source_map(build: Build) -> None:
    build.secret("key", SECRET)
    build.write("index.js", f"export default 1;\n//# sourceMappingURL={UP}/key\n")


def linked(build: Build) -> None:
    build.secret("key.js", f"export default '{SECRET}';")
    (build.pack / "link.js").symlink_to(build.outside / "key.js")
    build.write("index.js", 'export { default } from "./link.js";')


def linked_text(build: Build) -> None:
    build.secret("key.txt")
    (build.pack / "link.txt").symlink_to(build.outside / "key.txt")
    build.write("index.js", 'export { default } from "./link.txt";')


def stylesheet(build: Build) -> None:
    build.secret("key.css", f"/* {SECRET} */ a {{ color: red }}")
    build.write("index.js", f'import "{UP}/key.css";\nexport default 1;')


@pytest.mark.parametrize(
    "attack",
    [
        relative,
        absolute,
        main_outside,
        text,
        extensionless,
        extensionless_code,
        required,
        globbed,
        source_map,
        linked,
        linked_text,
        stylesheet,
    ],
)
def test_a_package_that_reads_a_file_of_the_server_is_refused(
    build: Build, attack: Callable[[Build], None]
) -> None:
    attack(build)

    assert "which is not part of them. Nothing was uploaded" in build.refusal()


def test_a_package_cannot_read_the_environment_of_the_server(build: Build) -> None:
    build.write("index.js", 'import "/proc/self/environ";')

    assert "/proc/" in build.refusal()


def test_a_package_cannot_fill_the_memory(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_programs, "DATA_LIMIT", 1024**3)
    build.write("index.js", 'import "/dev/zero";')

    assert "may have needed more than 3 GB of memory" in build.refusal()


def test_packages_are_built_apart_from_the_data_and_without_secrets(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@proxy.example")
    monkeypatch.setenv("DJANGO_SECRET_KEY", SECRET)
    folders: list[Path] = []
    environments: list[str] = []
    contents: list[str] = []

    def record(*_args: object, cwd: Path, env: Mapping[str, str], **_more: object) -> ProgramResult:
        folders.append(cwd)
        environments.append(str(env))
        contents.extend(path.read_text() for path in cwd.rglob("*") if path.is_file())
        if len(folders) == 2:
            raise ProgramTimeout(1, "")
        return ProgramResult(exit_code=0, stdout="", stderr="", seconds=0)

    monkeypatch.setattr("toolchain.process.run", record)
    bundle = Bundle(
        script="export default {};",
        config=CONFIG | {"vars": {"PLAIN": SECRET}},
        dependencies={"zod": "4.0.0"},
        secrets={"KEY": SECRET},
    )

    with pytest.raises(DeployError, match="Bundling the code"):
        write_bundled(build.into, bundle, bundler=build.bundler(), on_end=lambda _ended: None)

    npm_folder, bundler_folder = folders
    data = Path(os.environ["AWAITSTEP_DATA_DIR"]).resolve()
    assert npm_folder == bundler_folder
    assert data not in bundler_folder.parents
    assert not bundler_folder.exists()
    assert SECRET not in environments[1] + "".join(contents)


def test_a_package_with_modules_of_every_kind_is_bundled(build: Build) -> None:
    build.write("code.wasm", b"\0asm\1\0\0\0")
    for name in ("note.txt", "page.html", "data.bin", "table.sql"):
        build.write(name, f"content of {name}")
    build.write(
        "common.cjs", 'const path = require("path");\nmodule.exports = path.join("a", "b");'
    )
    names = ["code.wasm", "note.txt", "page.html", "data.bin", "table.sql", "common.cjs"]
    imports = "".join(f'import m{i} from "./{name}";\n' for i, name in enumerate(names))
    imports += 'import again from "./code.wasm?module";\n'
    build.write("index.js", f"{imports}export default [m0, m1, m2, m3, m4, m5, again];")

    build.run()

    written = {path.name.partition("-")[2] or path.name for path in build.into.iterdir()}
    assert written == {"worker.js", *names[:-1]}


def test_a_mistake_in_a_package_is_named_with_its_place(build: Build) -> None:
    build.write("index.js", '\nimport "missing";')

    message = build.refusal()

    assert message == (
        "The code cannot be bundled:\n"
        'node_modules/pack/index.js, line 2: Could not resolve "missing"'
    )


@pytest.mark.parametrize(
    "package", [{"link": True, "resolved": "../server"}, {"resolved": "file:../server/x.tgz"}]
)
def test_a_package_that_npm_took_from_this_server_is_refused(
    build: Build, package: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = build.packages / "node_modules" / ".package-lock.json"
    lock.write_text(json.dumps({"packages": {"node_modules/pack/node_modules/thief": package}}))
    ended = ProgramResult(exit_code=0, stdout="", stderr="", seconds=0)
    monkeypatch.setattr("toolchain.process.run", lambda *_args, **_more: ended)

    with pytest.raises(DeployError, match=r"depend on files of this server \(thief\)"):
        npm.install(build.packages, {}, on_start=lambda _pid: None, on_end=lambda _ended: None)

"""The wheel has every file of the product, and the product runs from it outside of the repository."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.awaitstep_site.test_up import READY, interrupted, read_until
from tests.support.installation import Installation
from tests.support.patience import PATIENCE
from tests.support.plain_http import NO_AUTHORITIES
from tests.support.repository import repository_files
from tests.support.wheel import PACKAGE, InstalledWheel, build_wheel, install_wheel
from toolchain import process

NOT_PART_OF_THE_PRODUCT = re.compile(
    r"(tests|bench|supply_chain|web/static_src)/|toolchain/(biome|tsconfig)\.json$|(?!manage\.py$)[^/]+$|\.ci/"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstalledWheel:
    return install_wheel(wheel, tmp_path_factory.mktemp("installed"))


def test_the_wheel_has_every_file_of_the_product_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    packed = {name.removeprefix(f"{PACKAGE}/") for name in names if ".dist-info/" not in name}

    assert all(name.startswith((f"{PACKAGE}/", f"{PACKAGE}-")) for name in names)
    product = {name for name in repository_files() if not NOT_PART_OF_THE_PRODUCT.match(name)}
    assert packed == {*product, "web/static/bundled/code_fields.js"}


def test_everything_runs_from_the_wheel(installed: InstalledWheel, tmp_path: Path) -> None:
    installed.use_packages_of_checkout()
    before = written(installed.site)
    home = {"XDG_DATA_HOME": str(tmp_path / "home")}
    config = Installation(tmp_path / "home" / "awaitstep", more_env=installed.more_env | home)
    config.migrate()
    with (
        up(installed, config, cwd=tmp_path) as printed,
        logged_in(config.port, password(printed)) as client,
    ):
        statuses = [client.get(address).status_code for address in addresses(client)]
        types = client.get("/docs/nodes/library/").text
        ready = client.get("/readyz")

    assert "The sample is live." in printed
    assert f"Data             {config.data_dir}" in printed
    assert len(statuses) > 10
    assert set(statuses) == {200}
    assert "email_send" in types
    assert ready.status_code == 200, ready.text
    assert written(installed.site) == before


@contextmanager
def up(installed: InstalledWheel, config: Installation, *, cwd: Path) -> Iterator[str]:
    """Start everything with data where it is by default, yield what it printed, and press Ctrl-C."""
    env = {name: value for name, value in config.env.items() if name != "AWAITSTEP_DATA_DIR"}
    started = process.start([*installed.program, "up"], cwd=cwd, env=env)
    try:
        yield read_until(started, READY)
    finally:
        interrupted(started)


def password(printed: str) -> str:
    found = re.search(r"password   (\S+)", printed)
    assert found
    return found[1]


@contextmanager
def logged_in(port: int, password: str) -> Iterator[httpx.Client]:
    base = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=base, timeout=PATIENCE, verify=NO_AUTHORITIES) as client:
        client.get("/admin/login/").raise_for_status()
        form = {"username": "admin", "password": password}
        token = {"csrfmiddlewaretoken": client.cookies["awaitstep_csrf"]}
        assert client.post("/admin/login/?next=/admin/", data=form | token).status_code == 302
        yield client


def addresses(client: httpx.Client) -> set[str]:
    """Return the addresses of the static files of a page, and of those that are loaded later."""
    found = re.findall(r'(?:src|href)="(/static/[^"#]+)"', client.get("/").text)
    return {*found, "/static/bundled/code_fields.js"}


def written(folder: Path) -> set[Path]:
    """Return the files in the folder, except what Python itself keeps of its modules."""
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}

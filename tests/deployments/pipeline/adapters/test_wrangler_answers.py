"""Errors in wrangler's output, with a stand-in for wrangler."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployments.pipeline.adapters.wrangler import Wrangler
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from tests.support.patience import PATIENCE
from toolchain.spare_programs import Spares

STAND_IN = """import { writeFileSync } from "node:fs";
writeFileSync(process.env.WRANGLER_OUTPUT_FILE_PATH, %s);
process.exit(1);
"""


def refused(
    folder: Path,
    code: object = None,
    message: str = "no space left",
) -> DeployError:
    answer = {"type": "command-failed", "message": message, "code": code}
    stand_in = folder / "wrangler.mjs"
    stand_in.write_text(
        STAND_IN % json.dumps(json.dumps(answer, ensure_ascii=False)), encoding="utf-8"
    )
    account = Account(account_id="a" * 32, api_base_url="http://127.0.0.1:9", api_token="token")
    no_spares = Spares(0, stand_in, env={})
    program = Wrangler(account=account, cache=folder / "cache", timeout=PATIENCE, spares=no_spares)
    with pytest.raises(DeployError) as error:
        program.deploy(
            folder, tag="", is_strict=True, on_start=lambda _pid: None, on_end=lambda _ran: None
        )
    return error.value


@pytest.mark.parametrize(
    ("code", "cause"), [("ENOSPC", Cause.TARGET), (10000, Cause.PERMISSION), (None, Cause.TARGET)]
)
def test_an_error_code_may_be_text(tmp_path: Path, code: object, cause: Cause) -> None:
    error = refused(tmp_path, code)

    assert error.cause is cause
    assert str(error).startswith("wrangler could not deploy: no space left")
    assert (f"[code {code}]" in str(error)) is bool(code)


def test_an_error_may_contain_any_character(tmp_path: Path) -> None:
    message = "no \u2028 space \x85 left"

    assert message in str(refused(tmp_path, message=message))

"""The platform reads the files of runs while workerd writes, closes and deletes them."""

from __future__ import annotations

from pathlib import Path

from tests.local_cloudflare.support.node_modules import in_node
from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    locked_run,
    start_run,
    wait_for_output,
)
from tests.support.platform_fixture import Platform, error_codes


def test_a_file_that_is_closed_or_deleted_is_read_again(tmp_path: Path) -> None:
    program = """
    const { DatabaseSync } = await import("node:sqlite");
    const fs = await import("node:fs");
    const created = new DatabaseSync("run.sqlite");
    created.exec("PRAGMA journal_mode = WAL; CREATE TABLE found (value); INSERT INTO found VALUES (7)");
    created.close();
    const value = (database, table) => database.prepare(`SELECT value FROM ${table}`).get().value;
    let tries = 0;
    const again = module.readDatabase("run.sqlite", (database) => value(database, tries++ ? "found" : "missing"));
    const deleted = module.readDatabase("run.sqlite", (database) => {
      fs.rmSync("run.sqlite");
      return value(database, "missing");
    });
    console.log(JSON.stringify([again, deleted ?? null]));"""

    assert in_node(tmp_path, "system/sqlite.ts", program) == [7, None]


def test_a_call_for_a_run_whose_file_is_locked_may_be_tried_again(platform: Platform) -> None:
    deploy_workflow(platform, "locked-file")
    run = start_run(platform, "locked-file")
    wait_for_output(platform, "locked-file", run)
    address = f"workflows/locked-file/instances/{run}"

    with locked_run(platform, "locked-file", mode="EXCLUSIVE"):
        answer = platform.api("GET", address)

    assert (answer.status_code, error_codes(answer)) == (503, [10001])
    assert platform.api("GET", address).status_code == 200

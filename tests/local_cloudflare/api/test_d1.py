"""D1 databases: by name, with several statements, exported and imported."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.local_cloudflare.support.projects import Project
from tests.support.plain_http import request
from tests.support.platform_fixture import Platform, error_codes

SCRIPT = """
-- a comment; with a semicolon
CREATE TABLE t (n INTEGER, "odd;name" TEXT);
/* another; one */ CREATE TRIGGER counts AFTER INSERT ON t BEGIN
  UPDATE t SET n = CASE WHEN new.n > 5 THEN 5 ELSE new.n END WHERE n = new.n; SELECT 1;
END;
INSERT INTO t VALUES (1, 'it''s; fine'), (2, 'two');;
INSERT INTO t VALUES (9, NULL)
-- the end;
"""
READ = "SELECT * FROM t ORDER BY n"
ROWS = [
    {"n": 1, "odd;name": "it's; fine"},
    {"n": 2, "odd;name": "two"},
    {"n": 5, "odd;name": None},
]


class Database:
    """A database of the test, called through the API."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.platform = platform
        self.name = name
        self.owner: Any = {"account_id": platform.account_id}
        self.sdk: Any = platform.client().d1.database
        self.id = str(self.sdk.create(name=name, **self.owner).uuid)

    def call(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        return self.platform.api(method, f"d1/database/{self.id}{path}", **more)

    def query(self, sql: str, **more: Any) -> list[Any]:
        results = self.sdk.query(self.id, sql=sql, **self.owner, **more)
        return [result.results for result in results]

    def rows(self) -> Any:
        return self.query(READ)[0]


@pytest.fixture
def database(platform: Platform) -> Database:
    return Database(platform, str(uuid4()))


def test_a_database_is_read_by_its_name(database: Database) -> None:
    database.query("CREATE TABLE t (n INTEGER)")

    by_name = database.sdk.get(database.name, **database.owner)
    fields = database.platform.api("GET", f"d1/database/{database.name}?fields=uuid,name").json()

    assert by_name.uuid == database.id
    assert by_name.num_tables == 1
    assert by_name.file_size > 0
    assert fields["result"] == {"uuid": database.id, "name": database.name}


def test_each_statement_has_its_result(database: Database) -> None:
    results = database.query(";".join([SCRIPT, READ, "SELECT ';' AS semicolon"]))

    assert results == [[], [], [], [], ROWS, [{"semicolon": ";"}]]


def test_several_statements_are_one_transaction(database: Database) -> None:
    database.query("CREATE TABLE t (n INTEGER)")

    failed = database.call(
        "POST", "/query", json={"sql": "INSERT INTO t VALUES (1); SELECT * FROM u"}
    )

    assert (failed.status_code, error_codes(failed)) == (400, [7500])
    assert database.rows() == []


def test_a_batch_has_params_for_each_statement(database: Database) -> None:
    statements = [
        {"sql": "CREATE TABLE t (n INTEGER, s TEXT)"},
        {"sql": "INSERT INTO t VALUES (?, ?)", "params": [1, "a;b"]},
        {"sql": "SELECT s FROM t"},
    ]

    result = database.call("POST", "/query", json={"batch": statements}).json()["result"]

    assert result[2]["results"] == [{"s": "a;b"}]


@pytest.mark.parametrize(
    "body",
    [{"sql": "-- nothing"}, {"sql": "SELECT ?; SELECT ?", "params": [1, 2]}, {"sql": ""}],
)
def test_a_query_without_a_statement_or_with_stray_params_is_refused(
    database: Database, body: object
) -> None:
    assert database.call("POST", "/query", json=body).status_code == 400


def test_rows_are_lists_with_the_names_of_the_columns(database: Database) -> None:
    sql = "SELECT 1 AS a, 2 AS a"

    [raw] = database.sdk.raw(database.id, sql=sql, **database.owner)

    assert (raw.results.columns, raw.results.rows) == (["a", "a"], [[1, 2]])
    assert raw.meta.rows_written == 0


def test_an_export_is_imported_into_another_database(database: Database) -> None:
    database.query(SCRIPT)
    first = database.sdk.export(database.id, output_format="polling", **database.owner)
    second = database.call("POST", "/export", json={"current_bookmark": first.at_bookmark}).json()
    exported = request("GET", second["result"]["signed_url"])

    copy = Database(database.platform, f"{database.name}-copy")
    etag = hashlib.md5(exported.content, usedforsecurity=False).hexdigest()
    begun = copy.sdk.import_(copy.id, action="init", etag=etag, **copy.owner)
    uploaded = request("PUT", begun.upload_url, content=exported.content)
    done = copy.sdk.import_(
        copy.id, action="ingest", etag=etag, filename=begun.filename, **copy.owner
    )

    assert second["result"]["result"]["filename"] in exported.headers["content-disposition"]
    assert uploaded.headers["etag"] == f'"{etag}"'
    assert (done.status, done.result.num_queries) == ("complete", 6)
    assert copy.rows() == ROWS


def test_an_export_has_the_requested_tables_and_parts(database: Database) -> None:
    database.query(
        "CREATE TABLE t (n INTEGER); CREATE TABLE u (n INTEGER); INSERT INTO t VALUES (1)"
    )
    options = {"no_schema": True, "tables": ["t"]}
    body = {"output_format": "polling", "dump_options": options}

    bookmark = database.call("POST", "/export", json=body).json()["result"]["at_bookmark"]
    done = database.call("POST", "/export", json={"current_bookmark": bookmark}).json()["result"]

    lines = request("GET", done["signed_url"]).text.splitlines()
    assert lines == ["PRAGMA defer_foreign_keys=TRUE;", 'INSERT INTO "t" ("n") VALUES(1);']


def test_an_upload_with_another_hash_is_refused(database: Database) -> None:
    begun = database.call("POST", "/import", json={"action": "init", "etag": "0" * 32}).json()

    assert request("PUT", begun["result"]["upload_url"], content=b"SELECT 1").status_code == 400


def test_an_import_that_fails_changes_nothing(database: Database) -> None:
    content = b"CREATE TABLE t (n INTEGER); INSERT INTO missing VALUES (1);"
    etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    begun = database.call("POST", "/import", json={"action": "init", "etag": etag}).json()["result"]
    request("PUT", begun["upload_url"], content=content)

    body = {"action": "ingest", "etag": etag, "filename": begun["filename"]}
    result = database.call("POST", "/import", json=body).json()["result"]

    assert (result["success"], result["status"]) == (False, "error")
    assert "no such table: missing" in result["error"]
    assert database.query("SELECT name FROM sqlite_schema WHERE name = 't'") == [[]]


@pytest.mark.parametrize("call", [("GET", "bookmark"), ("POST", "restore?bookmark=0")])
def test_time_travel_is_refused_by_name(platform: Platform, call: tuple[str, str]) -> None:
    database = Database(platform, f"no-time-travel-{call[0]}")

    response = database.call(call[0], f"/time_travel/{call[1]}")

    assert response.status_code == 501
    message = response.json()["errors"][0]["message"]
    assert f'no earlier states of the database "{database.name}"' in message


def test_wrangler_executes_and_exports_by_name(project: Project) -> None:
    database = Database(project.platform, "d1-by-wrangler")
    (project.folder / "script.sql").write_text(SCRIPT)
    remote = (database.name, "--remote", "--yes")

    executed = project.wrangler("d1", "execute", *remote, "--file", "script.sql")
    exported = project.wrangler("d1", "export", database.name, "--remote", "--output", "out.sql")

    assert executed.exit_code == 0, executed.stdout + executed.stderr
    assert exported.exit_code == 0, exported.stdout + exported.stderr
    assert "CREATE TABLE t" in (project.folder / "out.sql").read_text()
    assert database.rows() == ROWS

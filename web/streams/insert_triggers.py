"""PostgreSQL's triggers on the tables that streams and workers wait for; SQLite needs none.

A trigger announces new rows when their transaction commits. Until then it also keeps other
transactions from inserting rows into the tables of the same group. So ids become visible in their
order, as they do with SQLite's single writer, and a reader that continues after the last id that it has
seen misses no row. A transaction that changes other rows, too, must lock them before it inserts, or
two transactions could wait for each other.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

from web.streams.changes import CHANNEL

_FUNCTION = f"""
CREATE OR REPLACE FUNCTION awaitstep_announce_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('awaitstep'), hashtext(TG_ARGV[0]));
  PERFORM pg_notify('{CHANNEL}', TG_ARGV[0]);
  RETURN NULL;
END $$
"""


def create_function() -> RunPython:
    """Return the migration that the triggers depend on."""
    return _on_postgresql(_FUNCTION, "DROP FUNCTION awaitstep_announce_insert()")


def announce_inserts(table: str, *, group: str) -> RunPython:
    """Return a migration that announces new rows of a table."""
    return _on_postgresql(
        f"CREATE TRIGGER awaitstep_announce BEFORE INSERT ON {table} FOR EACH STATEMENT "
        f"EXECUTE FUNCTION awaitstep_announce_insert('{group}')",
        f"DROP TRIGGER awaitstep_announce ON {table}",
    )


def _on_postgresql(forwards: str, backwards: str) -> RunPython:
    def run(statement: str, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(statement)

    def forward(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        run(forwards, editor)

    def backward(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        run(backwards, editor)

    return RunPython(forward, backward)

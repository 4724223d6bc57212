"""The databases of tests: SQLite by default, and a private PostgreSQL server."""

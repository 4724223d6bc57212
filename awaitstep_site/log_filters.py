"""Filters of log records."""

from __future__ import annotations

from logging import LogRecord

_SERVER_ERROR = 500


def drop_client_error_traceback(record: LogRecord) -> bool:
    """Drop the traceback of a rejected request (4xx): only server errors need one."""
    if getattr(record, "status_code", _SERVER_ERROR) < _SERVER_ERROR:
        record.exc_info = None
    return True

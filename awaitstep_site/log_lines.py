"""What of a record is written to the log."""

from __future__ import annotations

from logging import LogRecord

_SERVER_ERROR = 500


def drop_client_error_traceback(record: LogRecord) -> bool:
    """Leave the traceback of what a request was refused for out: only a fault of ours needs one."""
    if getattr(record, "status_code", _SERVER_ERROR) < _SERVER_ERROR:
        record.exc_info = None
    return True

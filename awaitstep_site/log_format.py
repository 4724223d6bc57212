"""The log as JSON: one line for each event, with the ids that are bound to it."""

from __future__ import annotations

from structlog.contextvars import merge_contextvars
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name


def json_formatter() -> ProcessorFormatter:
    """Return a formatter; a traceback is the text that Python prints, without values of variables."""
    return ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            add_log_level,
            add_logger_name,
            TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            format_exc_info,
            JSONRenderer(),
        ],
    )

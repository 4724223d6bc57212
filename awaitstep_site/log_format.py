"""The log as text, or as JSON with the ids that are bound to each event."""

from __future__ import annotations

import logging

from structlog.contextvars import merge_contextvars
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name

from toolchain.terminal import visible


class TextFormatter(logging.Formatter):
    """A line for each event, followed by its traceback: an address or a name cannot add another line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = visible(record.message).replace("\n", "\\n")
        return super().formatMessage(record)


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

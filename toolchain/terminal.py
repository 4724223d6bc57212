"""Makes output safe for terminals: errors, outputs and names of workflows cannot control them.

Everyone who can send a request to a Worker may choose a text that a command prints. A terminal would
obey the control characters in it, which can move the cursor over other lines, change the title or write
to the clipboard.
"""

from __future__ import annotations

import io
import re
import sys
from typing import Final, TextIO

# Colors, which Django and Python use for errors, are harmless.
_COLOR: Final = r"\x1b\[(?:[01]|(?:1;)?3[1-7](?:;1)?)m"
# Control characters except tab and newline, and those that change the direction of the text after them.
_CONTROL: Final = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
_SPECIAL: Final = re.compile(f"{_COLOR}|{_CONTROL}")


def visible(text: str) -> str:
    """Return the text with control characters as JSON escapes, so that JSON keeps its meaning."""
    return _SPECIAL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    return text if len(text) > 1 else f"\\u{ord(text):04x}"


class PlainOutput(io.TextIOWrapper):
    """A stream that shows control characters instead of sending them, and replaces another stream."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        self._replaced = stream  # without a reference, it would close the buffer

    def write(self, text: str, /) -> int:
        super().write(visible(text))
        return len(text)


def use_plain_output() -> None:
    """Replace standard output and standard error of this process; bytes are written unchanged."""
    sys.stdout, sys.stderr = _plain(sys.stdout), _plain(sys.stderr)


def _plain(stream: TextIO) -> TextIO:
    """Return the stream that replaces another one; a stream without bytes stays as it is."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    return PlainOutput(stream)

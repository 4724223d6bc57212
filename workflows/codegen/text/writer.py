"""Lines of TypeScript that remember which parts a person wrote, and where."""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

_LINE_END: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")  # as the compiler counts lines
_ODD_LINE_END: Final = re.compile(r"[\r\u2028\u2029]")
_INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class Mapped:
    """A piece of a line that a person wrote: its field and the position in it (from 1)."""

    text: str
    path: str
    line: int
    column: int


Piece = str | Mapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A position in what a person wrote.

    `path` is the field (`nodes.charge.data.code`); `line` and `column` count from 1 in it and are 0
    when only the node is known; `node_id` is "" for the entry code.
    """

    node_id: str
    path: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class _Segment:
    """A mapped piece, and where it ends in the module."""

    end: tuple[int, int]
    node_id: str
    piece: Mapped


def count_line_endings(text: str) -> int:
    """Return the number of line endings, as the compiler counts them."""
    if not _is_plain(text) and _ODD_LINE_END.search(text):
        return len(_LINE_END.findall(text))
    return text.count("\n")


def _is_plain(text: str) -> bool:
    """Whether the text has no unusual line endings; cheaper than a search."""
    return text.isascii() and "\r" not in text


class _IndentedBlock(AbstractContextManager[None]):
    """A `with` block whose lines are indented by one level."""

    __slots__ = ("_writer",)

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        self._writer.shift(1)

    def __exit__(self, *_error: object) -> None:
        self._writer.shift(-1)


class Writer:
    """Collects lines; `node_id` names the node whose lines are being written."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._line = 1
        self._indent, self._level = "", 0
        self._starts: list[tuple[int, int]] = []
        self._segments: list[_Segment] = []
        self._node_starts: list[tuple[int, str]] = [(1, "")]

    @property
    def source(self) -> str:
        """Everything written so far."""
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    @property
    def node_id(self) -> str:
        """The node whose lines are being written, "" for none."""
        return self._node_starts[-1][1]

    def set_node(self, node_id: str) -> None:
        """Attribute the following lines to a node; "" for none."""
        if node_id != self.node_id:
            self._node_starts.append((self._line, node_id))

    def indented(self) -> AbstractContextManager[None]:
        """Indent the lines written inside by one level."""
        return _IndentedBlock(self)

    def shift(self, levels: int) -> None:
        """Indent all following lines by `levels` more levels."""
        self._level += levels
        self._indent = _INDENT * self._level

    def line(self, *pieces: Piece) -> None:
        """Write one indented line; mapped pieces are written byte for byte."""
        texts = [piece for piece in pieces if type(piece) is str]
        if len(texts) < len(pieces):
            self._write(self._indent, *pieces)
            self._end_line()
        else:
            text = "".join(texts) if len(texts) != 1 else texts[0]
            self._parts.append(f"{self._indent}{text}\n" if text else "\n")
            self._line += 1 + text.count("\n")

    def verbatim(self, *pieces: Piece) -> None:
        """Write pieces unchanged, without indentation, and end the line."""
        self._write(*pieces)
        self._end_line()

    def _end_line(self) -> None:
        self._parts.append("\n")
        self._line += 1

    def _write(self, *pieces: Piece) -> None:
        column = 1
        for piece in pieces:
            if isinstance(piece, str):
                self._parts.append(piece)
                column = self._after(piece, column) if "\n" in piece else column + len(piece)
            else:
                self._starts.append((self._line, column))
                self._parts.append(piece.text)
                column = self._after(piece.text, column)
                self._segments.append(_Segment((self._line, column), self.node_id, piece))

    def _after(self, text: str, column: int) -> int:
        """Return the column after a text, and count its lines."""
        if "\n" not in text and _is_plain(text):
            return column + len(text)
        ends = count_line_endings(text)
        if not ends:
            return column + len(text)
        self._line += ends
        return _column_after(text)

    def text_block(self, text: str) -> None:
        """Write lines of our own at the left margin."""
        self._write(text)

    def include(self, other: Writer) -> None:
        """Append everything that another writer holds, with its locations."""
        offset = self._line - 1
        self._node_starts += [(line + offset, node_id) for line, node_id in other._node_starts]
        self._starts += [(line + offset, column) for line, column in other._starts]
        self._segments += [
            _Segment((segment.end[0] + offset, segment.end[1]), segment.node_id, segment.piece)
            for segment in other._segments
        ]
        self._parts.append(other.source)
        self._line += other._line - 1

    def locate(self, line: int, column: int) -> Location | None:
        """Return where a position in the module comes from; None for generated code."""
        index = bisect_right(self._starts, (line, column)) - 1
        if index >= 0 and (line, column) <= self._segments[index].end:
            return _inside(self._segments[index], self._starts[index], at=(line, column))
        node_id = self._node_starts[
            bisect_right(self._node_starts, line, key=lambda start: start[0]) - 1
        ][1]
        if not node_id:
            return None
        return Location(node_id=node_id, path=f"nodes.{node_id}", line=0, column=0)

    def line_nodes(self) -> list[str]:
        """Return the node that each line comes from, "" for none, for lines that end with "\\n"."""
        nodes, line = [], 1
        for text in self.source.split("\n"):
            location = self.locate(line, 1)
            nodes.append(location.node_id if location else "")
            line += count_line_endings(f"{text}\n")
        return nodes


def _column_after(text: str) -> int:
    """Return the column after a text of several lines."""
    if not _is_plain(text) and _ODD_LINE_END.search(text):
        return len(_LINE_END.split(text)[-1]) + 1
    return len(text) - text.rfind("\n")


def _inside(segment: _Segment, start: tuple[int, int], *, at: tuple[int, int]) -> Location:
    piece = segment.piece
    offset = at[0] - start[0]
    column = at[1] if offset else piece.column + at[1] - start[1]
    prefix = f"nodes.{segment.node_id}." if segment.node_id else ""
    return Location(
        node_id=segment.node_id,
        path=f"{prefix}{piece.path}",
        line=piece.line + offset,
        column=column,
    )

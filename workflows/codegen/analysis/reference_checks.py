"""Text that looks like a reference, and references in places where they are not allowed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from workflows.codegen.syntax.parser import Mistake
from workflows.codegen.text.cursor import Cursor
from workflows.ir.reading.fields import Code, Field, Text, strings_in
from workflows.ir.reading.placeholders import as_reference, placeholders_in
from workflows.ir.reading.problems import Severity
from workflows.ir.reading.references import Reference

_MISPLACED: Final = "cannot be used here, because it is an expression"
_QUOTED: Final = "is only text here, not a reference: in a string, use ${...} between backticks"


def check_references(
    field: Field, names: Collection[str], misplaced: Sequence[Reference] = ()
) -> Iterator[tuple[str, Severity]]:
    """Yield text that looks like a reference to one of the names, and `misplaced` references.

    In code, such text is in a string or a comment. In text and JSON, it is `${...}`, which is sent
    unchanged.
    """
    if isinstance(field, Code):
        quoted = [reference for reference in field.quoted if reference.root in names]
        found = [(each, _MISPLACED, Severity.ERROR) for each in misplaced]
        found += [(each, _QUOTED, Severity.WARNING) for each in quoted]
        if not found:
            return
        cursor = Cursor(field.source)
        positions = {start: cursor.at(start) for start in sorted(each.start for each, *_ in found)}
        for reference, message, severity in found:
            line, column = positions[reference.start]
            written = field.source[reference.start : reference.end]
            mistake = Mistake(line=line, column=column, message=f"{written} {message}")
            yield str(mistake), severity
        return
    texts = [field.source] if isinstance(field, Text) else strings_in(field.value)
    for text in texts:
        for written in placeholders_in(text, names):
            instead = as_reference(written) or "a reference to the output of a step"
            yield f"{written} is only text here: write {instead}", Severity.WARNING

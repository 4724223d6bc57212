"""Reading `.env` files: names and values of variables, one on each line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Final

from dotenv.parser import Binding, parse_stream

from web.forms.text_area import with_line_feeds

MAX_LENGTH: Final = 200_000  # characters
MAX_VARIABLES: Final = 200
_SECRET: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD|CREDENTIAL|PRIVATE|AUTH", re.I)


class InvalidEnvFile(Exception):
    """The text is not a `.env` file; `errors` has a sentence for each line that is wrong, without values."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def read_env_file(text: str) -> Mapping[str, str]:
    """Return the values by name; lines in them end in line feeds. Raises InvalidEnvFile.

    `${NAME}` in a value is not replaced.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidEnvFile([f"The text has more than {MAX_LENGTH:,} characters."])
    bindings = [
        each for each in parse_stream(StringIO(with_line_feeds(text))) if each.key or each.error
    ]
    errors = list(_errors(bindings))
    if not bindings:
        errors.append("The text sets no variables. Write one on each line, such as NAME=value.")
    if len(bindings) > MAX_VARIABLES:
        errors.append(f"The text sets more than {MAX_VARIABLES} variables.")
    if errors:
        raise InvalidEnvFile(errors)
    return {str(each.key): each.value or "" for each in bindings}


def _errors(bindings: list[Binding]) -> Iterator[str]:
    lines: dict[str, int] = {}
    for binding in bindings:
        text = binding.original.string
        line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
        if binding.error or binding.key is None:
            yield f"Line {line} is not NAME=value."
        elif binding.value is None:
            yield f"Line {line}: {binding.key} has no value. Write {binding.key}= for an empty one."
        elif binding.key in lines:
            yield f"Line {line}: {binding.key} is already set on line {lines[binding.key]}."
        else:
            lines[binding.key] = line


def looks_secret(name: str) -> bool:
    """Whether the name suggests that the value is secret: `API_KEY`, `DB_PASSWORD`."""
    return bool(_SECRET.search(name))

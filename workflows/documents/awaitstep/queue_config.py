"""The settings of a queue's consumer in `@config { max_batch_size: 10 }`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, string_value, text
from workflows.ir.reading.problems import listed

_NAMES: Final = {
    "max_batch_size": "maxBatchSize",
    "max_batch_timeout": "maxBatchTimeout",
    "max_retries": "maxRetries",
    "dead_letter_queue": "deadLetterQueue",
    "max_concurrency": "maxConcurrency",
}
_TEXT: Final = "deadLetterQueue"


@dataclass(slots=True)
class Config:
    """The settings by their names in deploy settings, and what is wrong with others."""

    settings: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_config(statement: Node) -> Config:
    """Return the settings in the object of a statement."""
    config = Config()
    value = next(iter(children_of(statement)), None)
    while value is not None and value.type == "parenthesized_expression":
        value = next(iter(children_of(value)), None)
    if value is None or value.type != "object":
        config.problems.append("@config must be followed by an object: @config { max_retries: 3 }")
        return config
    for pair in children_of(value):
        _read(pair, config)
    return config


def _read(pair: Node, config: Config) -> None:
    key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
    if key is None or value is None:
        config.problems.append(f"@config cannot contain {text(pair)}: write a name and a value")
        return
    written = string_value(key) or text(key)
    name = _NAMES.get(written, written)
    if name not in _NAMES.values():
        config.problems.append(
            f"@config has no setting {written}: use {listed(_NAMES)}, or remove it"
        )
        return
    found = string_value(value) if name == _TEXT else _number(value)
    if found is None:
        kind = "a text" if name == _TEXT else "a whole number"
        config.problems.append(f"@config: {written} must be {kind}, not {text(value)}")
    else:
        config.settings[name] = found


def _number(value: Node) -> int | None:
    """Return a whole number, which may also be written as text, in seconds: `"5s"`."""
    written = text(value) if value.type == "number" else (string_value(value) or "")
    digits = written.strip().removesuffix("s").replace("_", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None

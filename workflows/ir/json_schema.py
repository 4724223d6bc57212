"""JSON Schemas written by users, and values checked against them.

Patterns and references in a schema may take forever, so both steps run in a separate process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from toolchain import bounded_calls

_SUBSCHEMAS: Final = {"type": "object", "additionalProperties": {"$ref": "#"}}
_COUNT: Final = {"type": "integer"}
SCHEMA_OF_SCHEMAS: Final = json.dumps(
    {
        "type": "object",
        "properties": {
            "type": {
                "enum": ["object", "array", "string", "number", "integer", "boolean", "null"],
                "description": "What the value is",
            },
            "properties": _SUBSCHEMAS | {"description": "A schema for each member of an object"},
            "required": {"type": "array", "description": "The required members"},
            "additionalProperties": {"$ref": "#"},
            "items": {"$ref": "#"},
            "enum": {"type": "array", "description": "The values that are allowed"},
            "const": {"description": "The only value that is allowed"},
            "description": {"type": "string"},
            "default": {},
            "format": {"enum": ["date", "date-time", "email", "time", "uri", "uuid"]},
            "pattern": {"type": "string", "description": "A regular expression"},
            "minLength": _COUNT,
            "maxLength": _COUNT,
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
            "minItems": _COUNT,
            "maxItems": _COUNT,
            "anyOf": {"type": "array", "items": {"$ref": "#"}},
            "allOf": {"type": "array", "items": {"$ref": "#"}},
            "oneOf": {"type": "array", "items": {"$ref": "#"}},
        },
    }
)
"""The usual keywords of JSON Schema, for completion; more are allowed."""

_SECONDS: Final = 1.0  # of CPU time
_MAX_MESSAGE: Final = 300
_TOO_SLOW: Final = "it takes too long to check"
_ENDLESS: Final = "it refers to itself endlessly"


def schema_error(schema: Mapping[str, Any]) -> str:
    """Return why this is not a usable JSON Schema; "" if it is."""
    return _error_of(json.dumps(schema))


@lru_cache(maxsize=256)
def _error_of(schema: str) -> str:
    """Cache the last schemas, because a document is read several times."""
    try:
        return str(bounded_calls.call(find_schema_error, json.loads(schema), seconds=_SECONDS))
    except bounded_calls.TookTooLong:
        return _TOO_SLOW


def value_error(schema: Mapping[str, Any], value: Any) -> str:
    """Return what is wrong with the value; "" if it is valid, or if the schema cannot be used."""
    try:
        return str(bounded_calls.call(find_value_error, schema, value, seconds=_SECONDS))
    except bounded_calls.TookTooLong:
        return f"{_TOO_SLOW} against the JSON Schema of the node: simplify its patterns"


def find_schema_error(schema: Mapping[str, Any]) -> str:
    """Do the work of `schema_error` in the separate process."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return error.message[:_MAX_MESSAGE]
    except RecursionError:
        return _ENDLESS
    return ""


def find_value_error(schema: Mapping[str, Any], value: Any) -> str:
    """Do the work of `value_error` in the separate process."""
    try:
        Draft202012Validator.check_schema(schema)
        # An empty registry: the default one would fetch remote references.
        validator = Draft202012Validator(schema, registry=Registry())
        error: ValidationError | None = best_match(validator.iter_errors(value))
    except (SchemaError, Unresolvable, RecursionError):
        return ""
    if error is None:
        return ""
    where = ".".join(map(str, error.absolute_path))
    message = error.message[:_MAX_MESSAGE]
    return f"{where}: {message}" if where else message

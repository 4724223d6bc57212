"""What answers a waiting run takes: the JSON Schemas of the nodes that wait for an event's type."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from deployments.models import Deployment
from runs.models import Run

Schema = Mapping[str, Any]
_WAIT: Final = "wait_for_event"


def key_of(schema: Schema) -> str:
    """Return what a form calls its schema."""
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]


def schema_of(run: Run, key: str) -> Schema | None:
    """Return the schema of the run's code that a form was made of."""
    found = (data.get("schema") for data in _waits(run))
    return next((one for one in found if isinstance(one, Mapping) and key_of(one) == key), None)


def problem(run: Run, event_type: str, payload: Any) -> str:
    """Say what is wrong with an answer; "" where it fits one of the nodes that may wait for it."""
    told = [
        _wrong(data.get("schema"), payload)
        for data in _waits(run)
        if data.get("eventType") == event_type
    ]
    return "" if not all(told) else next(iter(told), "")


def fits(schema: Schema, payload: Any) -> bool:
    return not _wrong(schema, payload)


def _waits(run: Run) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of the nodes of the run's code that wait for events."""
    mine = Deployment.objects.filter(pk=run.deployment_id or 0).values_list("ir", flat=True)
    for node in (mine.first() or {}).get("nodes", []):
        if node.get("type") == _WAIT:
            yield node.get("data") or {}


def _wrong(schema: Any, payload: Any) -> str:
    """Say what of the payload the schema refuses; one that cannot be read refuses nothing."""
    if not isinstance(schema, Mapping):
        return ""
    try:
        Draft202012Validator.check_schema(schema)
        # A registry of its own: the default one fetches what a schema refers to.
        asked = Draft202012Validator(schema, registry=Registry())
        found: ValidationError | None = best_match(asked.iter_errors(payload))
    except (SchemaError, Unresolvable):
        return ""
    if found is None:
        return ""
    where = ".".join(map(str, found.absolute_path))
    return f"{where}: {found.message[:300]}" if where else found.message[:300]

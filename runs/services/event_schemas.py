"""Which events a run can wait for, and which payloads it accepts: its "wait for event" nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from deployments.models import Deployment
from runs.models import Run
from workflows.ir.json_schema import value_error

Schema = Mapping[str, Any]
_WAIT_NODE: Final = "wait_for_event"


def key_of(schema: Schema) -> str:
    """Return the key by which a form names its schema."""
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]


def schema_of(run: Run, key: str) -> Schema | None:
    """Return the schema with this key from the run's code."""
    schemas = [settings.get("schema") for settings in _wait_nodes(run)]
    known = {key_of(schema): schema for schema in schemas if isinstance(schema, Mapping)}
    return known.get(key)


def event_types(run: Run) -> list[str]:
    """Return the type that the run waits for, then those of the other nodes, without expressions."""
    types = [str(settings.get("eventType", "")) for settings in _wait_nodes(run)]
    known = [type_ for type_ in types if "{{" not in type_]
    current = "" if run.awaits_approval else run.waits_for
    return list(dict.fromkeys(filter(None, [current, *known])))


def payload_problem(run: Run, event_type: str, payload: Any) -> str:
    """Return what is wrong with the payload; "" if a node that waits for the event accepts it."""
    problems = [
        _problem(settings.get("schema"), payload)
        for settings in _wait_nodes(run)
        if settings.get("eventType") == event_type
    ]
    return problems[0] if problems and all(problems) else ""


def is_valid(schema: Schema, payload: Any) -> bool:
    """Return whether the payload is valid; an unreadable schema accepts everything."""
    return not _problem(schema, payload)


def _wait_nodes(run: Run) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of the nodes in the run's code that wait for events."""
    documents = Deployment.objects.filter(pk=run.deployment_id or 0).values_list("ir", flat=True)
    for node in (documents.first() or {}).get("nodes", []):
        if node.get("type") == _WAIT_NODE:
            yield node.get("data") or {}


def _problem(schema: Any, payload: Any) -> str:
    """Return the most relevant validation error; an unreadable schema accepts everything."""
    return value_error(schema, payload) if isinstance(schema, Mapping) else ""

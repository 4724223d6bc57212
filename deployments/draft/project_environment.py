"""What the configuration of a project puts into `env`, and what the variables add to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from deployments.draft.environment_rows import BindingRow, Environment, Row, shown_value
from workflows.audit_entries import last_set
from workflows.documents.projects.config import ProjectConfig, read_config
from workflows.documents.projects.files import ProjectFiles
from workflows.ir.reading.bindings import BINDING_ID
from workflows.models import EnvironmentVariable, Workflow
from workflows.services import stored_variables

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$]*")


def environment_of_project(workflow: Workflow) -> Environment:
    """Return the bindings and variables of the configuration, and the variables that a deploy would send."""
    stored, config = stored_variables(workflow), read_config(workflow.files)
    mentioned = _mentioned(workflow.files, config)
    rows = list(_rows(stored, config, mentioned))
    rows.sort(key=lambda row: (not row.is_missing, row.is_global, row.name))
    bindings = list(_bindings(stored, config, mentioned))
    return Environment(
        rows=rows, bindings=bindings, is_known=bool(config.main), configuration=config.file
    )


def _mentioned(files: ProjectFiles, config: ProjectConfig) -> set[str]:
    """Return the words in the files, apart from the configuration."""
    texts = (file for path, file in files.items() if isinstance(file, str) and path != config.file)
    return {word for text in texts for word in _IDENTIFIER.findall(text)}


def _rows(
    stored: Mapping[str, EnvironmentVariable], config: ProjectConfig, mentioned: set[str]
) -> Iterator[Row]:
    of_bindings = {binding.name + BINDING_ID for binding in config.bindings}
    shown = {
        name: variable
        for name, variable in stored.items()
        if name not in of_bindings and (variable.workflow_id or name in mentioned)
    }
    shown |= {name: stored[name] for name in config.secrets if name in stored}
    last = last_set(shown.values())
    for name in dict.fromkeys([*shown, *config.variables, *config.secrets]):
        variable = shown.get(name)
        yield Row(
            name=name,
            variable=variable,
            value=shown_value(variable) if variable else None,
            is_used=name in mentioned,
            last_set=last.get(variable.pk) if variable else None,
            configured=_text(config.variables[name]) if name in config.variables else None,
            is_required_secret=name in config.secrets,
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bindings(
    stored: Mapping[str, EnvironmentVariable], config: ProjectConfig, mentioned: set[str]
) -> Iterator[BindingRow]:
    for binding in sorted(config.bindings, key=lambda each: each.name):
        variable = stored.get(binding.name + BINDING_ID)
        yield BindingRow(
            name=binding.name,
            kind=binding.kind,
            value=shown_value(variable) if variable else None,
            is_declared=True,
            is_used=binding.name in mentioned,
            configured=binding.resource,
            line=binding.line,
        )

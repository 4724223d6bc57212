"""The keys of a wrangler configuration, and how each is treated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workflows.documents.projects.wrangler.binding_keys import BINDING_KEYS
from workflows.documents.projects.wrangler.key import (
    Key,
    Kind,
    bundler,
    managed,
    read,
    refused,
    required,
    table,
    tables,
)
from workflows.documents.projects.wrangler.refused_keys import REFUSED_KEYS
from workflows.ir.deploy.deploy_settings import COMPATIBILITY_DATE

_PATTERN: Final = required(Kind.TEXT)
_TEXT: Final = read(Kind.TEXT)
_FLAG: Final = read(Kind.FLAG)
_NUMBER: Final = read(Kind.NUMBER)
_LOCAL_ONLY: Final = "is for local development and has no effect here"

_MANAGED: Final[Mapping[str, Key]] = {
    "$schema": managed(Kind.TEXT, "helps editors and has no effect here"),
    "name": managed(Kind.TEXT, "has no effect: the Worker is named after the workflow"),
    "account_id": managed(Kind.TEXT, "has no effect: the account is that of the target"),
    "dev": managed(Kind.VALUES, _LOCAL_ONLY),
    "access": managed(Kind.VALUES, _LOCAL_ONLY),
    "send_metrics": managed(Kind.FLAG, "has no effect: deploys never send metrics"),
    "dependencies_instrumentation": managed(
        Kind.VALUES, "has no effect: deploys never send the list of packages"
    ),
    "keep_vars": managed(
        Kind.FLAG,
        "has no effect: a deploy sets exactly the variables of the workflow and of the project",
    ),
    # The bundler would write a file under the path of its import, which can lead anywhere on the server.
    "preserve_file_names": managed(
        Kind.FLAG, "has no effect: the modules that code imports are named after their content"
    ),
    "no_bundle": managed(Kind.FLAG, "has no effect: the code is always bundled"),
    "previews": managed(Kind.VALUES, "has no effect: there are no preview deployments"),
}

_BUNDLER: Final[Mapping[str, Key]] = {
    "define": bundler(Kind.TEXT_MAP),
    "alias": bundler(Kind.TEXT_MAP),
    "rules": Key(
        use=bundler(Kind.ANY).use,
        kind=Kind.OBJECTS,
        members={
            "type": required(Kind.TEXT),
            "globs": required(Kind.TEXTS),
            "fallthrough": read(Kind.FLAG),
        },
    ),
    "minify": bundler(Kind.FLAG),
    "keep_names": bundler(Kind.FLAG),
    "jsx_factory": bundler(Kind.TEXT),
    "jsx_fragment": bundler(Kind.TEXT),
    "tsconfig": bundler(Kind.TEXT),
    "find_additional_modules": bundler(Kind.FLAG),
    "base_dir": bundler(Kind.TEXT),
    "upload_source_maps": bundler(Kind.FLAG),
}

_LOGS: Final[Mapping[str, Key]] = {
    "enabled": _FLAG,
    "head_sampling_rate": _NUMBER,
    "persist": _FLAG,
    "destinations": read(Kind.TEXTS),
}

_SETTINGS: Final[Mapping[str, Key]] = {
    "main": required(Kind.TEXT, 'the path of the entry point, such as "src/index.ts"'),
    "compatibility_date": required(Kind.TEXT, f'a date such as "{COMPATIBILITY_DATE}"'),
    "compatibility_flags": read(Kind.TEXTS),
    "workers_dev": _FLAG,
    "preview_urls": _FLAG,
    "route": read(Kind.ROUTE),
    "routes": read(Kind.ROUTES),
    "triggers": table(
        {
            "crons": read(Kind.TEXTS),
            "events": refused(
                "are not supported: start the Workflow from a queue, a schedule or your own code"
            ),
        }
    ),
    "limits": table({"cpu_ms": _NUMBER, "subrequests": _NUMBER}),
    "logpush": _FLAG,
    "placement": table(
        {
            "mode": read(Kind.TEXT, options=("off", "smart", "targeted")),
            "hint": _TEXT,
            "region": _TEXT,
            "host": _TEXT,
            "hostname": _TEXT,
        }
    ),
    "observability": table(
        {
            "enabled": _FLAG,
            "head_sampling_rate": _NUMBER,
            "redact_query_string": _FLAG,
            "issues": table({"enabled": _FLAG}),
            "logs": table({**_LOGS, "invocation_logs": _FLAG}),
            "traces": table(_LOGS),
        }
    ),
    "vars": read(Kind.VALUES),
    "secrets": table({"required": read(Kind.TEXTS)}),
    "workflows": tables(
        {
            "binding": required(Kind.TEXT),
            "name": required(Kind.TEXT),
            "class_name": required(Kind.TEXT),
            "script_name": _TEXT,
            "limits": table({"steps": _NUMBER}),
            "concurrency": table({"limit": _NUMBER}),
            "schedules": read(Kind.TEXT_OR_TEXTS),
            "default_retention": table(
                {
                    "success_retention": read(Kind.NUMBER_OR_TEXT),
                    "error_retention": read(Kind.NUMBER_OR_TEXT),
                }
            ),
            "jurisdiction": read(Kind.TEXT, options=("eu", "fedramp", "us")),
        }
    ),
    "build": table(
        {
            "command": refused(
                "is never run: commit the source that wrangler can bundle, and remove the command"
            ),
            "cwd": managed(Kind.TEXT, "has no effect: build commands are never run"),
            "watch_dir": managed(Kind.TEXT_OR_TEXTS, _LOCAL_ONLY),
        }
    ),
}

ROUTE_KEYS: Final[Mapping[str, Key]] = {
    "pattern": _PATTERN,
    "zone_name": _TEXT,
    "zone_id": _TEXT,
    "custom_domain": _FLAG,
    "enabled": _FLAG,
    "previews_enabled": _FLAG,
}
"""The keys of a route that is an object."""

KEYS: Final[Mapping[str, Key]] = {
    **_SETTINGS,
    **_BUNDLER,
    **_MANAGED,
    **BINDING_KEYS,
    **REFUSED_KEYS,
}
"""The keys of a configuration."""

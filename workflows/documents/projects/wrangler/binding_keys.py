"""The keys of bindings in a wrangler configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workflows.documents.projects.wrangler.key import (
    Key,
    Kind,
    managed,
    read,
    required,
    table,
    tables,
)
from workflows.ir.reading.bindings import BindingKind

_NAME: Final = required(Kind.TEXT)
_TEXT: Final = read(Kind.TEXT)
_LOCAL_ONLY: Final = "is for local development and has no effect here"
_REMOTE: Final = managed(Kind.FLAG)
_LOCAL: Final = managed(Kind.TEXT)
_NO_MIGRATIONS: Final = managed(
    Kind.TEXT,
    "has no effect: apply the migrations of the database with `wrangler d1 migrations apply`",
)
_LOCAL_LOGIN: Final = (
    "is for local development and has no effect here: remove it, it may hold a password"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingSection:
    """Where bindings of a kind are: the keys of their name and resource, "" for kinds without one.

    `extra` are the keys that the binding passes to wrangler.
    """

    kind: BindingKind
    resource: str = ""
    name: str = "binding"
    extra: tuple[str, ...] = ()


SECTIONS: Final[Mapping[str, BindingSection]] = {
    "kv_namespaces": BindingSection(kind=BindingKind.KV, resource="id"),
    "d1_databases": BindingSection(
        kind=BindingKind.D1, resource="database_id", extra=("jurisdiction",)
    ),
    "r2_buckets": BindingSection(
        kind=BindingKind.R2, resource="bucket_name", extra=("jurisdiction",)
    ),
    "services": BindingSection(
        kind=BindingKind.SERVICE, resource="service", extra=("entrypoint", "props")
    ),
    "ai": BindingSection(kind=BindingKind.AI, extra=("staging",)),
    "vectorize": BindingSection(kind=BindingKind.VECTORIZE, resource="index_name"),
    "hyperdrive": BindingSection(kind=BindingKind.HYPERDRIVE, resource="id"),
    "analytics_engine_datasets": BindingSection(kind=BindingKind.ANALYTICS, resource="dataset"),
    "browser": BindingSection(kind=BindingKind.BROWSER),
    "send_email": BindingSection(
        kind=BindingKind.EMAIL,
        name="name",
        extra=(
            "destination_address",
            "allowed_destination_addresses",
            "allowed_sender_addresses",
        ),
    ),
}
"""The sections of bindings, except those of queues, which are in `queues.producers`, and workflows."""

BINDING_KEYS: Final[Mapping[str, Key]] = {
    "kv_namespaces": tables(
        {"binding": _NAME, "id": _TEXT, "preview_id": _LOCAL, "remote": _REMOTE}
    ),
    "d1_databases": tables(
        {
            "binding": _NAME,
            "database_name": managed(Kind.TEXT),
            "database_id": _TEXT,
            "jurisdiction": _TEXT,
            "preview_database_id": _LOCAL,
            "migrations_table": _NO_MIGRATIONS,
            "migrations_dir": _NO_MIGRATIONS,
            "migrations_pattern": _NO_MIGRATIONS,
            "database_internal_env": managed(Kind.TEXT),
            "remote": _REMOTE,
        }
    ),
    "r2_buckets": tables(
        {
            "binding": _NAME,
            "bucket_name": _TEXT,
            "jurisdiction": _TEXT,
            "preview_bucket_name": _LOCAL,
            "remote": _REMOTE,
            "local_dev": managed(Kind.VALUES, _LOCAL_LOGIN),
        }
    ),
    "queues": table(
        {
            "producers": tables(
                {
                    "binding": _NAME,
                    "queue": _TEXT,
                    "delivery_delay": managed(
                        Kind.NUMBER, "has no effect: set it with `wrangler queues update`"
                    ),
                    "remote": _REMOTE,
                }
            ),
            "consumers": tables(
                {
                    "queue": _NAME,
                    "type": read(Kind.TEXT, options=("worker",)),
                    "max_batch_size": read(Kind.NUMBER),
                    "max_batch_timeout": read(Kind.NUMBER),
                    "max_retries": read(Kind.NUMBER),
                    "dead_letter_queue": _TEXT,
                    "max_concurrency": read(Kind.NUMBER_OR_NULL),
                    "retry_delay": read(Kind.NUMBER),
                    "visibility_timeout_ms": managed(
                        Kind.NUMBER, "has no effect: it is for consumers that are not Workers"
                    ),
                }
            ),
        }
    ),
    "services": tables(
        {
            "binding": _NAME,
            "service": required(Kind.TEXT),
            "entrypoint": _TEXT,
            "props": read(Kind.VALUES),
            "remote": _REMOTE,
        }
    ),
    "ai": table({"binding": _NAME, "staging": read(Kind.FLAG), "remote": _REMOTE}),
    "vectorize": tables({"binding": _NAME, "index_name": required(Kind.TEXT), "remote": _REMOTE}),
    "hyperdrive": tables(
        {
            "binding": _NAME,
            "id": required(Kind.TEXT),
            "localConnectionString": managed(Kind.TEXT, _LOCAL_LOGIN),
            "remote": _REMOTE,
        }
    ),
    "analytics_engine_datasets": tables({"binding": _NAME, "dataset": _TEXT, "remote": _REMOTE}),
    "browser": table({"binding": _NAME, "remote": _REMOTE}),
    "send_email": tables(
        {
            "name": _NAME,
            "destination_address": _TEXT,
            "allowed_destination_addresses": read(Kind.TEXTS),
            "allowed_sender_addresses": read(Kind.TEXTS),
            "remote": _REMOTE,
        }
    ),
}

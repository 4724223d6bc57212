"""Wrangler configurations: those that wrangler accepts, and those that it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workflows.documents.projects.files import ProjectFiles

SOURCES: Final = {
    "src/index.ts": "export default {};\n",
    "src/index.js": "export default {};\n",
    "worker.mjs": "export default {};\n",
    "tsconfig.json": "{}",
    "tsconfig.build.json": "{}",
    "lib/polyfill.ts": "export {};\n",
}

HEAD: Final = 'name = "orders"\nmain = "src/index.ts"\ncompatibility_date = "2025-05-01"\n'
WORKFLOW: Final = '[[workflows]]\nname = "orders"\nbinding = "ORDERS"\nclass_name = "Orders"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A configuration file, and the keys of the problems that it has here."""

    name: str
    text: str
    file: str = "wrangler.toml"
    problems: frozenset[str] = field(default_factory=frozenset)

    @property
    def files(self) -> ProjectFiles:
        """The files of a project with it."""
        return {**SOURCES, self.file: self.text}


def _toml(name: str, text: str, *problems: str, head: str = HEAD) -> Case:
    """Return a case with a Workflow after the other keys."""
    return Case(name=name, text=f"{head}{text}{WORKFLOW}", problems=frozenset(problems))


def _json(name: str, value: Mapping[str, Any], *problems: str, file: str = "wrangler.json") -> Case:
    complete: dict[str, Any] = {
        "name": "orders",
        "main": "src/index.ts",
        "compatibility_date": "2025-05-01",
        "workflows": [{"name": "orders", "binding": "ORDERS", "class_name": "Orders"}],
    }
    text = json.dumps({**complete, **value}, indent="\t", ensure_ascii=False)
    return Case(name=name, text=text, file=file, problems=frozenset(problems))


def _raw(name: str, text: str, *problems: str, file: str = "wrangler.toml") -> Case:
    return Case(name=name, text=text, file=file, problems=frozenset(problems))


GOOD: Final = [
    _toml("minimal", ""),
    _toml("schema-comment", "#:schema node_modules/wrangler/config-schema.json\n"),
    _toml(
        "windows-line-breaks",
        "workers_dev = false\n".replace("\n", "\r\n"),
        head=HEAD.replace("\n", "\r\n"),
    ),
    _raw("byte-order-mark", f"\ufeff{HEAD}{WORKFLOW}"),
    _toml("flags", 'compatibility_flags = ["nodejs_compat", "global_fetch_strictly_public"]\n'),
    _toml(
        "dotted-keys",
        'observability.enabled = true\nobservability.head_sampling_rate = 0.1\nvars.A = "a"\n',
    ),
    _toml("quoted-keys", '[vars]\n"A" = "a"\n\'B\' = \'C:\\temp\'\n"\\u0043" = "c"\n'),
    _toml(
        "strings",
        '[vars]\nA = """\none\ntwo\\\n   three"""\nB = \'\'\'\nfour\nfive\'\'\'\nC = "\\t\\u00e9\\U0001F600 # no comment"\n',
    ),
    _toml("numbers", '[vars]\nA = 1_000\nB = 0xff\nC = -1.5e3\nD = true\nE = [1, 2.5, "three"]\n'),
    _toml(
        "nested-variables",
        '[vars.LIMITS]\ndaily = 5\nnames = ["a", "b"]\n[vars.LIMITS.deep]\nx = { y = [] }\n',
    ),
    _toml("inline-tables-of-toml-1.1", 'vars = {\n  A = "a", # first\n  B = "\\e[0m",\n}\n'),
    _toml(
        "arrays-of-inline-tables",
        'kv_namespaces = [\n  { binding = "CACHE", id = "abc" }, # cache\n  { binding = "OTHER", id = "def" },\n]\n',
    ),
    _toml(
        "kv",
        '[[kv_namespaces]]\nbinding = "CACHE"\nid = "0f2ac74b498b48028cb68387c421e279"\npreview_id = "x"\n',
    ),
    _toml("kv-without-id", '[[kv_namespaces]]\nbinding = "CACHE"\n'),
    _toml(
        "d1",
        '[[d1_databases]]\nbinding = "DB"\ndatabase_name = "prod"\ndatabase_id = "b2b9"\nmigrations_dir = "m"\n',
    ),
    _toml(
        "r2", '[[r2_buckets]]\nbinding = "FILES"\nbucket_name = "my-files"\njurisdiction = "eu"\n'
    ),
    _toml(
        "queues",
        '[[queues.producers]]\nbinding = "JOBS"\nqueue = "jobs"\n[[queues.consumers]]\nqueue = "jobs"\n'
        'max_batch_size = 5\nmax_batch_timeout = 2\nmax_retries = 4\ndead_letter_queue = "dead"\nretry_delay = 30\n',
    ),
    _toml("queue-defaults", '[[queues.consumers]]\nqueue = "jobs"\n'),
    _toml(
        "services",
        '[[services]]\nbinding = "AUTH"\nservice = "auth"\nentrypoint = "Admin"\n[[services]]\nbinding = "MAIL"\nservice = "mail"\n',
    ),
    _toml("ai", '[ai]\nbinding = "AI"\n'),
    _toml("browser", '[browser]\nbinding = "BROWSER"\n'),
    _toml("vectorize", '[[vectorize]]\nbinding = "INDEX"\nindex_name = "docs"\n'),
    _toml(
        "hyperdrive",
        '[[hyperdrive]]\nbinding = "PG"\nid = "9f6c"\nlocalConnectionString = "postgres://u:p@localhost/db"\n',
    ),
    _toml(
        "analytics-engine",
        '[[analytics_engine_datasets]]\nbinding = "EVENTS"\ndataset = "events"\n',
    ),
    _toml(
        "send-email",
        '[[send_email]]\nname = "MAIL"\nallowed_destination_addresses = ["a@example.com"]\n',
    ),
    _toml(
        "workflow-of-another-worker",
        '[[workflows]]\nname = "billing"\nbinding = "BILLING"\nclass_name = "Billing"\nscript_name = "billing-worker"\n',
    ),
    _toml(
        "workflow-with-own-script-name",
        '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\nscript_name = "orders"\n',
    ),
    _toml(
        "workflow-settings",
        '[[workflows]]\nname = "nightly"\nbinding = "NIGHTLY"\nclass_name = "Nightly"\nschedules = ["0 3 * * *", "0 5 * * 1"]\n'
        'limits = { steps = 20000 }\nconcurrency.limit = 5\n[workflows.default_retention]\nsuccess_retention = "3 days"\nerror_retention = 86400000\n',
    ),
    _toml(
        "one-schedule",
        '[[workflows]]\nname = "n"\nbinding = "N"\nclass_name = "N"\nschedules = "*/5 * * * *"\njurisdiction = "eu"\n',
    ),
    _toml("crons", '[triggers]\ncrons = ["*/3 * * * *", "0 15 1 * *", "59 23 LW * *"]\n'),
    _toml("no-crons", "[triggers]\ncrons = []\n"),
    _toml(
        "route-with-zone",
        'routes = [{ pattern = "api.example.com/*", zone_name = "example.com" }]\n',
    ),
    _toml("custom-domain", '[[routes]]\npattern = "shop.example.com"\ncustom_domain = true\n'),
    _toml("one-route", 'route = { pattern = "example.com/orders/*", zone_name = "example.com" }\n'),
    _toml("route-without-zone", 'route = "example.com/*"\n', "route"),
    _toml(
        "route-with-zone-id",
        'routes = [{ pattern = "example.com/*", zone_id = "0f2a" }]\n',
        "routes[0]",
    ),
    _toml("empty-route", 'route = ""\n'),
    _toml("workers-dev", "workers_dev = true\npreview_urls = false\n"),
    _toml("limits", "[limits]\ncpu_ms = 50\nsubrequests = 5000\n"),
    _toml("smart-placement", '[placement]\nmode = "smart"\n'),
    _toml("placement-in-a-region", '[placement]\nregion = "aws:eu-central-1"\n'),
    _toml(
        "observability-of-the-dashboard",
        "[observability]\nenabled = false\nhead_sampling_rate = 1\n[observability.logs]\nenabled = true\ninvocation_logs = true\n"
        "persist = true\n[observability.traces]\nenabled = false\n",
    ),
    _toml("logpush", "logpush = true\n"),
    _toml(
        "bundler",
        'minify = true\nkeep_names = false\njsx_factory = "h"\njsx_fragment = "Fragment"\ntsconfig = "./tsconfig.build.json"\n'
        'find_additional_modules = true\nbase_dir = "./src"\nupload_source_maps = true\npreserve_file_names = true\n'
        '[define]\nVERSION = \'"1.0"\'\n[alias]\n"old" = "./lib/polyfill.ts"\n'
        '[[rules]]\ntype = "Text"\nglobs = ["**/*.txt", "**/*.md"]\nfallthrough = true\n',
    ),
    _toml(
        "managed",
        'account_id = "0f2a"\nsend_metrics = false\nkeep_vars = true\n[dev]\nport = 9000\n',
    ),
    _toml("secrets", '[secrets]\nrequired = ["TOKEN", "OTHER_TOKEN"]\n'),
    _toml("watched-folder", '[build]\nwatch_dir = "src"\n'),
    _toml("build-command", '[build]\ncommand = "npm run build"\n', "build.command"),
    _toml(
        "durable-objects",
        '[[durable_objects.bindings]]\nname = "COUNTER"\nclass_name = "Counter"\n[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["Counter"]\n',
        "durable_objects",
        "migrations",
    ),
    _toml("empty-durable-objects", "migrations = []\ndurable_objects = { bindings = [] }\n"),
    _toml(
        "environments",
        '[env.staging]\nname = "orders-staging"\n[env.production]\nworkers_dev = false\n',
        "env",
    ),
    _toml("assets", '[assets]\ndirectory = "./public"\nbinding = "ASSETS"\n', "assets"),
    _toml(
        "rate-limits",
        '[[ratelimits]]\nname = "LIMITER"\nnamespace_id = "1"\nsimple = { limit = 10, period = 60 }\n',
        "ratelimits",
    ),
    _toml("tail-consumers", '[[tail_consumers]]\nservice = "tail"\n', "tail_consumers"),
    _toml(
        "mtls",
        '[[mtls_certificates]]\nbinding = "CERT"\ncertificate_id = "x"\n',
        "mtls_certificates",
    ),
    _toml(
        "secrets-store",
        '[[secrets_store_secrets]]\nbinding = "S"\nstore_id = "a"\nsecret_name = "b"\n',
        "secrets_store_secrets",
    ),
    _toml("pipelines", '[[pipelines]]\nbinding = "P"\nstream = "s"\n', "pipelines"),
    _toml("version-metadata", '[version_metadata]\nbinding = "VERSION"\n', "version_metadata"),
    _toml("unsafe", "[unsafe.metadata]\nx = 1\n", "unsafe"),
    _toml("exports", '[exports.Other]\ntype = "workflow"\nname = "other"\n', "exports"),
    _toml("misspelled", 'compatability_flags = ["nodejs_compat"]\n', "compatability_flags"),
    _toml(
        "misspelled-in-an-entry",
        '[[kv_namespaces]]\nbinding = "CACHE"\nid = "x"\nnamespace = "y"\n',
        "kv_namespaces[0].namespace",
    ),
    _raw("no-workflow", HEAD, "workflows"),
    _raw("no-main", f'name = "orders"\ncompatibility_date = "2025-05-01"\n{WORKFLOW}', "main"),
    _raw(
        "missing-main",
        f'main = "dist/worker.js"\ncompatibility_date = "2025-05-01"\n{WORKFLOW}',
        "main",
    ),
    _raw(
        "main-outside",
        f'main = "../index.ts"\ncompatibility_date = "2025-05-01"\n{WORKFLOW}',
        "main",
    ),
    _raw("no-date", f'main = "src/index.ts"\n{WORKFLOW}', "compatibility_date"),
    _raw(
        "future-date",
        f'main = "src/index.ts"\ncompatibility_date = "2031-01-01"\n{WORKFLOW}',
        "compatibility_date",
    ),
    _raw(
        "main-with-a-dot",
        f'main = "./src/../src/index.ts"\ncompatibility_date = "2025-05-01"\n{WORKFLOW}',
    ),
    _raw("empty", "", "main", "compatibility_date", "workflows"),
    _json(
        "json",
        {
            "$schema": "./node_modules/wrangler/config-schema.json",
            "vars": {"A": {"b": [1, None, True]}},
        },
    ),
    _json("json-with-unicode", {"vars": {"A": "Grüße \u2028 \U0001f600", "B": "</script>"}}),
    _json("json-observability", {"observability": {"enabled": True, "head_sampling_rate": 1}}),
    _json(
        "json-max-concurrency", {"queues": {"consumers": [{"queue": "q", "max_concurrency": 3}]}}
    ),
    _json("jsonc-file", {"minify": True}, file="wrangler.jsonc"),
    _raw(
        "jsonc-comments",
        '/* A\n Worker */ {\n\t// its name\n\t"name": "orders", "main": "worker.mjs", // "main": "x",\n\t"compatibility_date": "2025-05-01",\n'
        '\t"vars": { "URL": "https://example.com/*no comment*/", "LIST": [1, 2, /* three */], },\n'
        '\t"workflows": [{ "name": "orders", "binding": "ORDERS", "class_name": "Orders", },],\n}\n// end\n',
        file="wrangler.jsonc",
    ),
    _raw(
        "json-with-a-byte-order-mark",
        '\ufeff{"main": "src/index.js"}',
        "compatibility_date",
        "workflows",
        file="wrangler.json",
    ),
]

BAD: Final = [
    _toml("broken-toml", "workers_dev = yes\n", ""),
    _toml("repeated-key", "workers_dev = true\nworkers_dev = true\n", ""),
    _toml("repeated-table", "[vars]\nA = 1\n[vars]\nB = 1\n", ""),
    _toml("unclosed-string", '[vars]\nA = "a\n', ""),
    _toml("unclosed-array", "compatibility_flags = [\n", ""),
    _toml("large-number", "[vars]\nA = 9007199254740993\n", "vars.A"),
    _toml("date-as-variable", "[vars]\nA = 2025-01-01\n", "vars.A"),
    _raw(
        "date-without-quotes",
        f'main = "src/index.ts"\ncompatibility_date = 2025-05-01\n{WORKFLOW}',
        "compatibility_date",
    ),
    _raw(
        "date-with-dashes",
        f'main = "src/index.ts"\ncompatibility_date = "2025\u201305\u201301"\n{WORKFLOW}',
        "compatibility_date",
    ),
    _raw(
        "invalid-date",
        f'main = "src/index.ts"\ncompatibility_date = "soon"\n{WORKFLOW}',
        "compatibility_date",
    ),
    _raw("main-is-a-number", f'main = 1\ncompatibility_date = "2025-05-01"\n{WORKFLOW}', "main"),
    _raw(
        "uppercase-name",
        f'name = "Orders"\nmain = "src/index.ts"\ncompatibility_date = "2025-05-01"\n{WORKFLOW}',
        "name",
    ),
    _toml("flags-as-text", 'compatibility_flags = "nodejs_compat"\n', "compatibility_flags"),
    _toml("flags-with-a-number", "compatibility_flags = [1]\n", "compatibility_flags"),
    _toml("workers-dev-as-text", 'workers_dev = "true"\n', "workers_dev"),
    _toml("account-as-number", "account_id = 5\n", "account_id"),
    _toml(
        "route-and-routes",
        'route = { pattern = "a.com/*", zone_name = "a.com" }\nroutes = [{ pattern = "b.com/*", zone_name = "b.com" }]\n',
        "route",
    ),
    _toml(
        "route-with-unknown-key",
        'routes = [{ pattern = "a.com/*", zone = "a.com" }]\n',
        "routes[0]",
        "routes[0].zone",
    ),
    _toml(
        "route-with-two-zones",
        'routes = [{ pattern = "a.com/*", zone_name = "a.com", zone_id = "x" }]\n',
        "routes[0].zone_id",
    ),
    _toml("route-as-number", "routes = [5]\n", "routes[0]"),
    _toml("crons-as-text", '[triggers]\ncrons = "* * * * *"\n', "triggers.crons"),
    _toml("kv-without-binding", '[[kv_namespaces]]\nid = "x"\n', "kv_namespaces[0].binding"),
    _toml("kv-with-empty-id", '[[kv_namespaces]]\nbinding = "A"\nid = ""\n', "kv_namespaces[0].id"),
    _toml("kv-as-table", '[kv_namespaces]\nbinding = "A"\nid = "x"\n', "kv_namespaces"),
    _toml(
        "bucket-in-uppercase",
        '[[r2_buckets]]\nbinding = "A"\nbucket_name = "Files"\n',
        "r2_buckets[0].bucket_name",
    ),
    _toml("service-without-service", '[[services]]\nbinding = "A"\n', "services[0].service"),
    _toml("hyperdrive-without-id", '[[hyperdrive]]\nbinding = "A"\n', "hyperdrive[0].id"),
    _toml("vectorize-without-index", '[[vectorize]]\nbinding = "A"\n', "vectorize[0].index_name"),
    _toml("ai-as-list", '[[ai]]\nbinding = "A"\n', "ai"),
    _toml(
        "email-with-both",
        '[[send_email]]\nname = "A"\ndestination_address = "a@b.c"\nallowed_destination_addresses = ["a@b.c"]\n',
        "send_email[0]",
    ),
    _toml(
        "same-name-twice",
        '[[kv_namespaces]]\nbinding = "A"\nid = "x"\n[[r2_buckets]]\nbinding = "A"\nbucket_name = "files"\n',
        "r2_buckets[0].binding",
    ),
    _toml(
        "same-name-as-variable",
        'vars = { A = "a" }\n[[kv_namespaces]]\nbinding = "A"\nid = "x"\n',
        "kv_namespaces[0].binding",
    ),
    _toml("same-name-as-secret", 'secrets = { required = ["ORDERS"] }\n', "workflows[0].binding"),
    _toml(
        "consumer-without-queue",
        "[[queues.consumers]]\nmax_retries = 1\n",
        "queues.consumers[0].queue",
    ),
    _toml(
        "pull-consumer",
        '[[queues.consumers]]\nqueue = "q"\ntype = "http_pull"\n',
        "queues.consumers[0].type",
    ),
    _toml(
        "retries-as-text",
        '[[queues.consumers]]\nqueue = "q"\nmax_retries = "5"\n',
        "queues.consumers[0].max_retries",
    ),
    _toml(
        "workflow-without-class",
        '[[workflows]]\nname = "b"\nbinding = "B"\n',
        "workflows[0].class_name",
    ),
    _toml(
        "workflow-name-with-spaces",
        '[[workflows]]\nname = "my orders"\nbinding = "B"\nclass_name = "B"\n',
        "workflows[0].name",
    ),
    _toml(
        "workflow-name-twice",
        '[[workflows]]\nname = "orders"\nbinding = "B"\nclass_name = "B"\n',
        "workflows[1].name",
    ),
    _toml(
        "workflow-with-zero-steps",
        '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\nlimits.steps = 0\n',
        "workflows[0].limits.steps",
    ),
    _toml(
        "workflow-with-half-a-run",
        '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\nconcurrency.limit = 0.5\n',
        "workflows[0].concurrency.limit",
    ),
    _toml(
        "workflow-without-schedule",
        '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\nschedules = []\n',
        "workflows[0].schedules",
    ),
    _toml(
        "workflow-with-empty-schedule",
        '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\nschedules = ""\n',
        "workflows[0].schedules",
    ),
    _toml(
        "workflow-retention",
        '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\ndefault_retention.error_retention = -1\n',
        "workflows[0].default_retention.error_retention",
    ),
    _toml(
        "workflow-jurisdiction",
        '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\njurisdiction = "de"\n',
        "workflows[0].jurisdiction",
    ),
    _toml(
        "rule-of-unknown-type", '[[rules]]\ntype = "Image"\nglobs = ["*.png"]\n', "rules[0].type"
    ),
    _toml("rule-without-globs", '[[rules]]\ntype = "Text"\n', "rules[0].globs"),
    _toml("define-with-a-number", "[define]\nA = 1\n", "define"),
    _toml("alias-with-a-number", "[alias]\nA = 1\n", "alias"),
    _toml("placement-mode", '[placement]\nmode = "fast"\n', "placement.mode"),
    _toml(
        "placement-with-hint-and-region",
        '[placement]\nmode = "smart"\nhint = "a"\nregion = "b"\n',
        "placement",
    ),
    _toml(
        "observability-without-enabled",
        "[observability]\nhead_sampling_rate = 0.5\n",
        "observability.enabled",
    ),
    _toml("cpu-as-text", '[limits]\ncpu_ms = "50"\n', "limits.cpu_ms"),
    _toml("legacy-env", "legacy_env = true\n", "legacy_env"),
    _toml("node-compat", "node_compat = true\n", "node_compat"),
    _json("variables-as-list", {"vars": 5}, "vars"),
    _json("null-name", {"name": None}, "name"),
    _raw("broken-json", '{\n"name": "a"\n"main": "b"\n}', "", file="wrangler.json"),
    _raw("empty-json", "", "", file="wrangler.json"),
    _raw("only-a-comma", '{"a": [,]}', "", file="wrangler.jsonc"),
    _raw("two-commas", '{"a": [1,,2]}', "", file="wrangler.jsonc"),
    _raw("unclosed-comment", '{"name": "a"} /* ', "", file="wrangler.jsonc"),
    _raw("single-quotes", "{'name': 'a'}", "", file="wrangler.jsonc"),
    _raw("control-character", '{"name": "a\x01"}', "", file="wrangler.jsonc"),
]

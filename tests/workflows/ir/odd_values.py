"""The values that mutations insert; code has any type, or is not valid code."""

from __future__ import annotations

from typing import Any

CODE_KEYS = ("code", "condition", "collection", "input", "body", "timestamp")
NASTY = (
    "", " ", "then", "a\"b'c`d", "${1}", "a\nb", "\u2028\u2029", "*/ /*", "</script>", "\0", "\ud800", "😀" * 90,
    "x" * 300, "\u202eabc", "\\", "\\u0041", "{{", "{{ }}", "{{ trigger }}", "{{ trigger.x[0].y-z }}",
    "{{ unknown }}", "{{ trigger.constructor }}!", "constructor", "__proto__", "prototype", "1", "-", "$", "class",
    "WORKFLOW", "ñandú", "2 hours", "1 second", "400 days", "0 seconds", "GET", "https://x.test/?a=b#c",
)  # fmt: skip
IDS = (
    "class", "await", "run", "results", "last", "__proto__", "constructor", "toString", "a b", "a-b", "a.b", "1",
    "Flow", "Env", "WORKFLOW", "this", "step", "ctx", "undefined", "Promise", "ñ", "😀", "x" * 256, "x" * 257, "\n",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.5, 7, 1000, 2**31, 2**53, 2**64, 10**30, 10**400, 1e308, float("inf"),
    float("nan"), [], {}, [1], {"a": 1}, [None], {"": ""}, [[]], {"a": {"b": ["c"]}}, {"__proto__": 1},
)  # fmt: skip
LABELS = ("", "then", "body", "try", "catch", "finally", "yes", "no", "arm0", "arm1", "x", "a", "b")
STATEMENTS = (
    "return 1;", "return {{ REF }};", "return { a: [{{ REF }}] };", "const x = {{ REF }};", "", "  ", "return;",
    "throw new Error(`${ {{ REF }} }`);", "// {{ REF }}\nreturn '{{ REF }}';", "return ctx.attempt;",
    "import { createHash } from 'node:crypto';\nreturn String(createHash('md5'));", "return env.A_KV;",
    "return await Promise.resolve({{ REF }});", "return [event.payload, /\\//.test('`')];",
    "if (event.payload) return 'a';\nreturn 2;", "const { a, ...rest } = event.payload;\nreturn { a, rest };",
    "throw new NonRetryableError(\"no\")", "return `\u2028${String({{ REF }})}`; // */", "return {{{{ REF }}}};",
)  # fmt: skip
CONDITIONS = (
    "true", "event.payload", "{{ REF }}", "String({{ REF }}) === 'x'", "Boolean({{ REF }})", "", "  ", "1 // one",
    "event.payload?.x ?? false", "await Promise.resolve({{ REF }})", "/* a */ event.payload", "a b", "1)(1", "1;",
)  # fmt: skip
EXPRESSIONS = (
    "1", "event.payload", "{{ REF }}", "[{{ REF }}, 2]", "{ a: {{ REF }} }", "({ a: [1] })", "`x${ {{ REF }} }`",
    "[]", "[1, ...[2]]", "\"{{ REF }}\"", "{\"a\": {{ REF }}, \"b\": \"{{ REF }}\"}", "", "'a' // b", "}{", "{",
    "await Promise.resolve({{ REF }})", "/* */[\n1]", "\"\\ud800\"", "[1e999]",
)  # fmt: skip
TIMES = ("2030-01-31", "{{ trigger.at }}", "Date.now() + 1000", "2030-13-01", "{{ REF }}", "")

"""Variable names in the generated code: derived from node ids, valid, unique and not reserved."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_INVALID: Final = re.compile(r"[^A-Za-z0-9_$]")

_MAX_WORDS: Final = 8
_MAX_LENGTH: Final = 60

_LANGUAGE: Final = """
abstract any arguments as asserts async await bigint boolean break case catch class const constructor
continue debugger declare default delete do else enum eval export extends false finally for from
function get global globalThis if implements import in infer Infinity instanceof interface is keyof
let module namespace NaN never new null number object of out package private protected public
readonly require return satisfies set static string super switch symbol this throw true try type
typeof undefined unique unknown using var void while with yield
Array ArrayBuffer AsyncFunction Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date
Error EvalError FinalizationRegistry Float32Array Float64Array Function Int16Array Int32Array
Int8Array Intl Iterator JSON Map Math Number Object Promise Proxy RangeError ReferenceError Reflect
RegExp Set SharedArrayBuffer String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array
Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet AggregateError decodeURI decodeURIComponent
encodeURI encodeURIComponent escape isFinite isNaN parseFloat parseInt unescape
"""

_RUNTIME: Final = """
AbortController AbortSignal Ai Blob Buffer ByteLengthQueuingStrategy Cache CacheStorage CloseEvent
Cloudflare CompressionStream CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException
DecompressionStream DigestStream DurableObjectNamespace ErrorEvent Event EventSource EventTarget
ExecutionContext ExportedHandler File FixedLengthStream FormData HTMLRewriter Headers
IdentityTransformStream MessageChannel MessageEvent MessagePort Navigator Performance ReadableStream
Request Response SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream
TransformStream URL URLPattern URLSearchParams WebAssembly WebSocket WebSocketPair Workflow
WritableStream addEventListener atob btoa caches clearImmediate clearInterval clearTimeout console
crypto dispatchEvent exports fetch navigator origin performance process queueMicrotask
removeEventListener reportError scheduler self setImmediate setInterval setTimeout structuredClone
"""

_GENERATED: Final = """
ArmResult ChildRun Env HOW_TO NodeContext HttpRequest HttpResponse ItemOf NonRetryableError RETRYABLE_STATUSES RaceCall WorkflowEntrypoint
WorkflowEvent WorkflowStep WorkflowStepContext WorkflowStepEvent allArms asEventType asList asMilliseconds asText collectArms
ctx entry env err event idempotencyKey isPlain readBody
refuse request runChild runRace runScript sendRequest showRun shown sleepUntil startChild step stepName trigger
"""

_USED: Final = """
AnalyticsEngineDataset Array ArrayLike Awaited BodyInit Boolean BrowserRun D1Database Date Error Fetcher Headers
Hyperdrive Iterable JSON KVNamespace Map Math MessageBatch Number Object Promise PromiseFulfilledResult Queue R2Bucket
Readonly Record Request Response ReturnType ScheduledController Set String Symbol TextEncoder TypeError URL URLSearchParams Uint8Array Vectorize
console fetch globalThis structuredClone undefined Ai Workflow
"""

RESERVED: Final = frozenset(f"{_LANGUAGE} {_RUNTIME} {_GENERATED} {_USED}".split())
GENERATED_NAMES: Final = frozenset(_GENERATED.split())
USED_GLOBALS: Final = frozenset(_USED.split())


def is_identifier(text: str) -> bool:
    """Whether the text can be written as a property after a dot."""
    return _IDENTIFIER.fullmatch(text) is not None


class Names:
    """Allocates unique names; the same calls in the same order give the same names."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken) | RESERVED
        self._counts: dict[str, int] = {}

    def reserve(self, names: Iterable[str]) -> None:
        """Reserve names that are used elsewhere."""
        self._taken.update(names)

    def unique(self, proposal: str) -> str:
        """Return the proposed name, or a similar one that is free and not reserved."""
        name = to_identifier(proposal)
        if name in self._taken and name in RESERVED:
            name += "_"
        unique, count = name, self._counts.get(name, 1)
        while unique in self._taken:
            count += 1
            unique = f"{name}_{count}"
        self._counts[name] = count
        self._taken.add(unique)
        return unique


def to_identifier(text: str) -> str:
    """Return the text with everything that an identifier cannot contain replaced by `_`."""
    if text.isascii() and text.isidentifier():
        return text
    name = _INVALID.sub("_", text)
    return f"_{name}" if not name or name[0].isdigit() else name


def assign_variables(
    ids: Iterable[str],
    names: Names,
    *,
    hidden: Collection[str] = (),
    container_names: Collection[str] = (),
) -> dict[str, str]:
    """Return the variable of each node id; ids that are valid identifiers keep their names.

    `container_names` are the variables of containers, such as a loop's item. A node may have the
    same name, unless it is one of the `hidden` nodes, which are inside such a container.
    """
    ids = list(ids)
    exact = [id_ for id_ in ids if is_identifier(id_) and id_ not in RESERVED and id_ not in hidden]
    rest = set(ids) - set(exact)
    variables = {id_: names.unique(id_) for id_ in exact}
    names.reserve(container_names)
    return variables | {id_: names.unique(id_) for id_ in ids if id_ in rest}


def class_name_for(workflow_name: str) -> str:
    """Return the class name for a workflow: `OrderEMails` for `Order e-mails`.

    It is chosen once and never changes, because Cloudflare finds the workflow's code by it.
    """
    words = re.findall(r"[A-Za-z0-9]+", workflow_name)[:_MAX_WORDS]
    name = to_identifier("".join(word[:1].upper() + word[1:] for word in words))[:_MAX_LENGTH]
    return f"{name}Workflow" if name in RESERVED or not words else name

"""Variable names in the generated code: derived from node ids, valid, unique and not reserved."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")

_MAX_WORDS: Final = 8
_MAX_LENGTH: Final = 60

# Names that JavaScript or the parser of users' code does not allow for a variable.
_LANGUAGE: Final = """
abstract arguments as await break case catch class const continue debugger default delete do else
enum eval export extends false finally for function if implements import in instanceof interface let
new null package private protected public return satisfies static super switch this throw true try
typeof undefined using var void while with yield
"""

_BUILT_IN: Final = """
AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date
Error EvalError FinalizationRegistry Float32Array Float64Array Function Infinity Int16Array Int32Array
Int8Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect
RegExp Set SharedArrayBuffer String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array
Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet decodeURI decodeURIComponent encodeURI
encodeURIComponent escape globalThis isFinite isNaN parseFloat parseInt require unescape
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
Approval ApprovalCall ArmResult ChildRun DEBOUNCE_NOW DebounceCall Debounced Env HOW_TO NOT_PERFORMED NodeContext NodeRequest HttpRequest HttpResponse ItemOf NonRetryableError OutputOf RETRYABLE_STATUSES RaceCall RateLimitCall RunToStart Slot StartCall StartedRun WaitCall WorkflowEntrypoint
WorkflowEvent WorkflowStep WorkflowStepContext WorkflowStepEvent allArms asEventType asList asBase64 asMilliseconds asText checkTicket checkedIds collectArms
ctx entry env err event exactNumber exchange filled idempotencyKey inText inTime isPlain listOf masked nodeRequest parseBody parsedBody payloadSize readBody readHeaders readQuery readText findReason
refuse request runApproval runChild runDebounce runRace runRateLimit runScript runWaitUntil sendRequest showRun shown storable sleepUntil startBatch startChild startMany step stepName summed takeSlot takeTicket textsOf trigger withoutRetryOf
"""

_USED: Final = """
AbortSignal AnalyticsEngineDataset Array ArrayBuffer ArrayLike Awaited BigInt BodyInit Boolean BrowserRun D1Database Date Error Fetcher Headers
Hyperdrive Iterable JSON KVNamespace Map Math MessageBatch Number Object Promise PromiseFulfilledResult Queue R2Bucket
ReadableStream SendEmail Readonly Record RegExp Request Response ReturnType ScheduledController Set String Symbol TextDecoder TextEncoder TypeError URL URLSearchParams Uint8Array Vectorize
btoa clearTimeout console fetch globalThis setTimeout structuredClone undefined Ai Workflow
"""

# Names of the generated code that are in scope where the variables of nodes are.
_IN_SCOPE: Final = """
NonRetryableError WorkflowEvent WorkflowStep WorkflowStepContext WorkflowStepEvent allArms asEventType asList
asMilliseconds collectArms ctx env err event idempotencyKey inText runApproval runChild runDebounce runRace runRateLimit runWaitUntil sendRequest sleepUntil
startChild startMany step stepName storable withoutRetryOf
"""

GENERATED_NAMES: Final = frozenset(_GENERATED.split())
USED_GLOBALS: Final = frozenset(_USED.split())
LANGUAGE_GLOBALS: Final = frozenset(_BUILT_IN.split())
GLOBALS: Final = frozenset(f"{_BUILT_IN} {_RUNTIME} {_USED}".split())

RESERVED: Final = frozenset(f"{_LANGUAGE} {_IN_SCOPE} {_USED}".split())
"""Names that no node and no item of a loop can have in code."""

_AVOIDED: Final = RESERVED | GLOBALS | GENERATED_NAMES
"""Names that the generated code does not choose itself."""

_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"})
_LATER: Final = _LETTERS | {"Mn", "Mc", "Nd", "Pc"}
_OTHER_LETTERS: Final = frozenset("$_\u1885\u1886\u2118\u212e\u309b\u309c")
_OTHER_LATER: Final = frozenset(
    "\u00b7\u0387\u1369\u136a\u136b\u136c\u136d\u136e\u136f\u1370\u1371\u19da\u200c\u200d"
)
_NEVER: Final = "\u2e2f"  # a letter that Unicode reserves for syntax


def is_identifier(text: str) -> bool:
    """Whether JavaScript allows the text as a name, in any alphabet; also as a property after a dot."""
    if text.isascii():
        return _IDENTIFIER.fullmatch(text) is not None
    return _may_start(text[0]) and all(map(_may_follow, text))


def _may_start(character: str) -> bool:
    is_letter = unicodedata.category(character) in _LETTERS and character != _NEVER
    return is_letter or character in _OTHER_LETTERS


def _may_follow(character: str) -> bool:
    is_part = unicodedata.category(character) in _LATER and character != _NEVER
    return is_part or character in _OTHER_LETTERS or character in _OTHER_LATER


class Names:
    """Allocates unique names; the same calls in the same order give the same names."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._own = frozenset(taken)
        self._taken = set(taken) | _AVOIDED
        self._counts: dict[str, int] = {}

    @property
    def given(self) -> frozenset[str]:
        """All names that were allocated or reserved so far."""
        return frozenset(self._taken - _AVOIDED - self._own)

    def reserve(self, names: Iterable[str]) -> None:
        """Reserve names that are used elsewhere."""
        self._taken.update(names)

    def claim(self, name: str) -> str:
        """Return the name itself unless it cannot be a variable here, otherwise a similar one."""
        if not is_identifier(name) or name in RESERVED or name in self._own:
            return self.unique(name)
        self._taken.add(name)
        return name

    def unique(self, proposal: str) -> str:
        """Return the proposed name, or a similar one that is free and not reserved."""
        name = to_identifier(proposal)
        if name in _AVOIDED:
            name += "_"
        unique, count = name, self._counts.get(name, 1)
        while unique in self._taken:
            count += 1
            unique = f"{name}_{count}"
        self._counts[name] = count
        self._taken.add(unique)
        return unique


def to_identifier(text: str) -> str:
    """Return the text with everything that an identifier cannot contain replaced with `_`."""
    if text.isascii() and text.isidentifier():
        return text
    name = "".join(char if _may_follow(char) else "_" for char in text)
    return name if name and _may_start(name[0]) else f"_{name}"


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
    variables = {id_: names.claim(id_) for id_ in exact}
    names.reserve(container_names)
    return variables | {id_: names.unique(id_) for id_ in ids if id_ in rest}


def class_name_for(workflow_name: str) -> str:
    """Return the class name for a workflow: `OrderEMails` for `Order e-mails`.

    It is chosen once and never changes, because Cloudflare finds the workflow's code by it.
    """
    words = re.findall(r"[A-Za-z0-9]+", workflow_name)[:_MAX_WORDS]
    name = to_identifier("".join(word[:1].upper() + word[1:] for word in words))[:_MAX_LENGTH]
    return f"{name}Workflow" if name in _AVOIDED or not words else name

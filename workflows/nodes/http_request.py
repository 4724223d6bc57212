"""`http_request`: sends a request in a durable step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.computed_settings import TEXT
from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Category, NodeType, single_request
from workflows.ir.document.step_policy import STEP_FIELDS, StepPolicy, read_policy
from workflows.ir.reading import fields
from workflows.ir.reading.fields import Code, Json, NotJson, RepeatedKey, Text
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_choice, read_code, read_table, read_text
from workflows.ir.settings.setting_field import FieldKind, SettingField, fields_by_name
from workflows.nodes.response_body import HELPER as RESPONSE_BODY

METHOD: Final = SettingField(
    name="method",
    kind=FieldKind.SELECT,
    label="Method",
    help="The HTTP method.",
    default="GET",
    options=("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
)
URL: Final = SettingField(
    name="url",
    kind=FieldKind.TEXT,
    label="URL",
    help="The address to send the request to.",
    required=True,
    takes_references=True,
    placeholder="https://example.com/path",
)
HEADERS: Final = SettingField(
    name="headers",
    kind=FieldKind.TABLE,
    label="Headers",
    help="The request headers, by name.",
    details=(
        "An object, or text that is JSON. Each value is sent as text, an object as JSON, and each item "
        "of a list separately. A value that is `null` or `undefined` is not sent"
    ),
    takes_references=True,
)
QUERY: Final = SettingField(
    name="queryParams",
    kind=FieldKind.TABLE,
    label="Query parameters",
    help="The parameters to add to the URL after `?`, by name.",
    details="Values are sent as in `headers`",
    takes_references=True,
)
BODY: Final = SettingField(
    name="body",
    kind=FieldKind.PAYLOAD,
    label="Body",
    help="JSON, or an expression whose value is sent.",
    details=(
        "An object, a list, or text that is JSON is sent as JSON. Any other text is an expression. `GET` "
        "and `HEAD` requests have no body"
    ),
    takes_references=True,
    is_expression=True,
)
FAIL_ON: Final = SettingField(
    name="failOn",
    kind=FieldKind.SELECT,
    label="Fails on",
    help="`error`: a status of 400 or more fails the step; `never`: you check `status` yourself.",
    default="error",
    options=("error", "never"),
)
FIELDS: Final = (METHOD, URL, HEADERS, QUERY, BODY, FAIL_ON, *STEP_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`body` is JSON, or an expression for any other body; None if there is none."""

    method: str
    url: Text
    headers: Json | None
    query: Json | None
    body: Json | Code | None

    @property
    def label(self) -> str:
        """The method and the URL."""
        return f"{self.method} {self.url.source}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The request, whether a status of 400 or more fails it, and the settings of its step."""

    request: Request
    fail_on_error: bool
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the request: GET by default, to a URL that is required."""
    return read_step(data, FIELDS)


def read_step(data: Reader, fields: Iterable[SettingField]) -> Settings:
    """Read a step that sends a request; `fields` are those above, possibly with other defaults."""
    return Settings(
        request=read_request(data, fields),
        fail_on_error=read_choice(data, FAIL_ON) == "error",
        policy=read_policy(data, STEP_FIELDS),
    )


def read_request(data: Reader, fields: Iterable[SettingField]) -> Request:
    """Read a request without the settings of its step."""
    by_name = fields_by_name(fields)
    method = read_choice(data, by_name["method"])
    address, url = read_text(data, by_name["url"]), by_name["url"].default
    if not _may_start(address, ("http://", "https://", *([url] if url else []))):
        example = " or ".join(filter(None, ["https://example.com/path", url and "/path"]))
        data.warning(URL.name, f"is not a valid address: write an address such as {example}")
    return Request(
        method=method,
        url=address,
        headers=read_table(data, HEADERS),
        query=read_table(data, QUERY),
        body=_body(data, method),
    )


def _may_start(text: Text, starts: tuple[str, ...]) -> bool:
    """Whether the text starts with one of these, or may once its references have values."""
    prefix = text.source[: text.references[0].start if text.references else None].lower()
    if text.references and any(start.startswith(prefix) for start in starts):
        return True
    return not prefix or prefix.startswith(starts)


def _body(data: Reader, method: str) -> Json | Code | None:
    value = data.raw(BODY.name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if method in ("GET", "HEAD"):
        data.warning(
            BODY.name,
            f"is not sent, because a {method} request has no body: remove it or use another method",
        )
        return None
    if isinstance(value, str):
        try:
            value = fields.loads_with_references(value)
        except RepeatedKey as error:
            data.problem(BODY.name, str(error))
            return None
        except NotJson:
            return read_code(data, BODY)
    return data.json(BODY.name, value)


def about(settings: Settings) -> str:
    """Return the method and the URL."""
    return settings.request.label


def callback(node: Node, out: Emitter) -> None:
    """Write the function that sends the request directly, without a service binding."""
    write_callback(node, out, settings=node.settings, via="")


def write_callback(node: Node, out: Emitter, *, settings: Settings, via: str) -> None:
    """Write the function that sends the request, `via` a service binding or directly."""
    out.start_callback(node)
    with out.indented():
        write_request(settings.request, out, fails=settings.fail_on_error, via=via)
    out.line("};")


def write_request(request: Request, out: Emitter, *, fails: bool, via: str = "") -> None:
    """Write a statement that returns the response; with `fails`, a status of 400 or more throws."""
    out.add_helper(TEXT)
    out.add_helper(RESPONSE_BODY)
    out.add_helper(HELPER)
    out.line("return await sendRequest({")
    with out.indented():
        out.line(f'method: "{request.method}",')
        if via:
            out.line(f"via: {via},")
        out.line("url: ", *out.text(request.url), ",")
        _parts(request, out)
        out.line(f"failOnError: {'true' if fails else 'false'},")
    out.line("});")


def _parts(request: Request, out: Emitter) -> None:
    if request.query:
        out.line("query: ", *out.value(request.query), ",")
    if request.headers:
        out.line("headers: ", *out.value(request.headers), ",")
    if request.body:
        name = "json" if isinstance(request.body, Json) else "body"
        out.line(f"{name}: ", *out.value(request.body), ",")


def emit(node: Node, out: Emitter) -> None:
    """Write the durable step that sends the request."""
    out.durable_step(node, node.settings.policy)


TYPE = NodeType(
    name="http_request",
    title="HTTP request",
    category=Category.WORK,
    summary="Sends one HTTP request as a durable step.",
    docs="nodes/http_request.md",
    icon="http_request",
    fields=FIELDS,
    example={"url": "https://example.com/"},
    about=about,
    read=read,
    output="HttpResponse",
    callback=callback,
    emit=emit,
    request_count=single_request,
)

HELPER: Final = """\
/** A repeated header (`set-cookie`) is a list. A body that is not text is `{ base64, type }`. */
type HttpResponse = {
  status: number;
  headers: Record<string, string> & { "set-cookie"?: any };
  body: any;
};

type HttpRequest = {
  method: string;
  via?: Fetcher;
  url: string;
  query?: Record<string, unknown>;
  headers?: Record<string, unknown>;
  json?: unknown;
  body?: unknown;
  failOnError: boolean;
};

/** The only 4xx statuses with which the same request may succeed later. */
const RETRYABLE_STATUSES = [408, 425, 429];

/** The values of a header or query parameter, as text: several for a list, none for a missing value. */
function textsOf(value: unknown, name: string): string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((each) => each !== undefined && each !== null).map((each) => asText(each, name));
}

/** Plain objects and lists are sent as JSON, everything else is passed to fetch. */
function isPlain(value: unknown): boolean {
  return Array.isArray(value) || Object.prototype.toString.call(value) === "[object Object]";
}

/** Sends a request and reads the response; with `failOnError`, a status of 400 or more throws. */
async function sendRequest(request: HttpRequest): Promise<HttpResponse> {
  const url = new URL(request.url, request.via && "https://worker");
  for (const [name, value] of Object.entries(request.query ?? {})) {
    textsOf(value, `The query parameter ${name}`).forEach((text, index) => url.searchParams[index ? "append" : "set"](name, text));
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    for (const text of textsOf(value, `The header ${name}`)) headers.append(name, text);
  }
  let body = request.body as BodyInit | undefined;
  if ("json" in request || isPlain(request.body)) {
    body = JSON.stringify("json" in request ? request.json : request.body);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
  }
  const send = request.via ?? globalThis;
  const where = `${request.method} ${url.origin}${url.pathname}`;
  const response = await send.fetch(url.href, { method: request.method, headers, body }).catch((error) => {
    const reason = String(error?.message ?? error).replace(/; reference = .*/, "");
    throw new Error(`${where} got no response: ${reason}`);
  });
  const type = response.headers.get("content-type") ?? "";
  const content = readBody(new Uint8Array(await response.arrayBuffer()), type);
  if (request.failOnError && response.status >= 400) {
    const message = `${where} answered ${response.status}: ${asText(content).slice(0, 500)}`;
    const isFinal = response.status < 500 && !RETRYABLE_STATUSES.includes(response.status);
    throw isFinal ? new NonRetryableError(message) : new Error(message);
  }
  return {
    status: response.status,
    headers: readHeaders(response.headers),
    body: content,
  };
}

function readHeaders(headers: Headers): any {
  const cookies = headers.getSetCookie();
  return { ...Object.fromEntries(headers), ...(cookies.length > 1 && { "set-cookie": cookies }) };
}
"""

"""The TypeScript of `ctx.request`, with which the templates of custom node types send requests."""

from __future__ import annotations

from typing import Final

REQUEST: Final = """\
type NodeRequest = {
  /** The name of the service, for errors. */
  service: string;
  method?: string;
  url: string;
  query?: Record<string, unknown>;
  headers?: Record<string, string | undefined>;
  json?: unknown;
  form?: Record<string, unknown>;
  /** Whether it does no harm to perform the request twice. By default, only POST and PATCH may do harm. */
  repeatable?: boolean;
  /** Statuses of 400 to 499 that are temporary, in addition to 408, 425 and 429. */
  temporary?: number[];
  /** Finds the reason in the body of an error. */
  reason?: (body: any) => unknown;
  /** Values that no error may contain, in addition to the node's secrets. */
  secrets?: (string | undefined)[];
  /** By default, redirects are followed. "manual" treats them as errors. */
  redirect?: "follow" | "manual";
};

/** The only statuses that show that the service has not performed the request, and may later. */
const NOT_PERFORMED = [408, 425, 429];

/** Sends requests of a template. A request that may do harm twice is not repeated if it may have been performed. */
function nodeRequest({ secrets: own, timeout }: { secrets: (string | undefined)[]; timeout: number }) {
  return async (request: NodeRequest): Promise<any> => {
    const { service, temporary = [], reason } = request;
    const secrets = [...own, ...(request.secrets ?? [])];
    if (!URL.canParse(request.url)) {
      throw new NonRetryableError(masked(`${service}: ${JSON.stringify(request.url)} is not a URL`, secrets));
    }
    const method = request.method ?? "GET";
    const repeatable = request.repeatable ?? !["POST", "PATCH"].includes(method);
    const [status, content] = await exchange(request, method, timeout);
    const body = content === "" ? null : typeof content === "string" ? parsedJson(content) : content;
    if (status >= 200 && status < 300) return body;
    const found = status && reason ? findReason(body, reason) : undefined;
    const why = masked(asText(found ?? (typeof content === "string" ? content : "")), secrets).slice(0, 500);
    const event = status ? `responded with ${status}` : "did not respond";
    const message = [`${service} ${event}`, why].filter(Boolean).join(": ");
    const isOpen = status === 0 || status >= 500;
    const isTemporary = NOT_PERFORMED.includes(status) || temporary.includes(status) || (isOpen && repeatable);
    const ending = isOpen && !repeatable ? ". The request may have been performed, so it is not repeated." : "";
    const error = isTemporary ? new Error(message) : new NonRetryableError(message + ending);
    throw Object.assign(error, { status, body });
  };
}

/** The status and the content of the response: text, or `{ base64, type }`. The status is 0 if there is none. */
async function exchange(request: NodeRequest, method: string, timeout: number): Promise<[number, any]> {
  const url = new URL(request.url);
  for (const [name, value] of filled(request.query)) url.searchParams.append(name, value);
  const headers = new Headers(filled(request.headers));
  let body: string | undefined;
  if (request.json !== undefined) body = JSON.stringify(request.json);
  if (request.form) body = new URLSearchParams(filled(request.form)).toString();
  const type = request.form ? "application/x-www-form-urlencoded" : "application/json";
  if (body !== undefined && !headers.has("content-type")) headers.set("content-type", type);
  // The step must not time out first, because it would then be retried.
  const signal = AbortSignal.timeout(Math.min(Math.ceil(timeout * 0.9), 2 ** 31 - 1));
  try {
    const response = await fetch(url.href, { method, headers, body, signal, redirect: request.redirect });
    const data = new Uint8Array(await response.arrayBuffer());
    return [response.status, readContent(data, response.headers.get("content-type") ?? "")];
  } catch (error: any) {
    return [0, String(error?.message ?? error)];
  }
}

/** The entries that have a value; each item of a list is one. */
function filled(values: Record<string, unknown> | undefined): [string, string][] {
  const entries = Object.entries(values ?? {}).flatMap(([name, value]): [string, unknown][] =>
    Array.isArray(value) ? value.map((item) => [name, item]) : [[name, value]],
  );
  const present = entries.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return present.map(([name, value]) => [name, asText(value)]);
}

function findReason(body: any, reason: (body: any) => unknown): unknown {
  try {
    return reason(body) || undefined;
  } catch {
    return undefined;
  }
}

/** A service may repeat a key in its error, also as a part of JSON. */
function masked(text: string, secrets: (string | undefined)[]): string {
  const long = secrets.filter((secret) => secret !== undefined && secret.length > 3);
  const forms = long.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return forms.reduce<string>((result, form) => result.replaceAll(form, "•••"), text);
}
"""

"""The TypeScript that reads the body of a response: JSON, text, or bytes as base64."""

from __future__ import annotations

from typing import Final

HELPER: Final = """\
/** Parsed JSON, text in its own charset, or `{ base64, type }` for everything else. */
function readBody(data: Uint8Array, type: string): any {
  const content = readContent(data, type);
  return typeof content === "string" && /\\bjson\\b/i.test(type) ? parsedJson(content) : content;
}

/** Text in its own charset, or `{ base64, type }` for everything else. */
function readContent(data: Uint8Array, type: string): string | { base64: string; type: string } {
  return readText(data, type) ?? { base64: asBase64(data), type };
}

/** The value of JSON, or the text itself if it is none. */
function parsedJson(text: string): any {
  try {
    return JSON.parse(text, exactNumber);
  } catch {
    return text;
  }
}

/** A number as it is, or as text if it is a whole number that JavaScript would change, or too large. */
function exactNumber(_key: string, value: any, context?: { source?: string }): any {
  if (typeof value !== "number") return value;
  const source = context?.source ?? String(value);
  const whole = /^(-?[0-9]{16,})(?:\\.0*)?$/.exec(source)?.[1];
  const isExact = Number.isFinite(value) && (!whole || BigInt(whole) === BigInt(value));
  return isExact ? value : source;
}

/** The data as text; undefined if it is not text. Without a type, it is text if it is valid UTF-8. */
function readText(data: Uint8Array, type: string): string | undefined {
  const charset = /;\\s*charset\\s*=\\s*"?([^\\s;"]+)/i.exec(type)?.[1];
  const isText = charset !== undefined || /^text\\/|[/+](json|xml)\\b/i.test(type);
  if (!isText && /^(image|audio|video|font)\\//i.test(type)) return undefined;
  try {
    return new TextDecoder(charset, { fatal: !isText, ignoreBOM: false }).decode(data);
  } catch (error) {
    return error instanceof TypeError ? undefined : new TextDecoder().decode(data); // an unknown charset
  }
}

function asBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(binary);
}
"""

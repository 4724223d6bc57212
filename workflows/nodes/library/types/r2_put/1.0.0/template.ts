import { NonRetryableError } from "cloudflare:workflows";

const CONTENT_TYPES = {
  json: "application/json",
  text: "text/plain; charset=utf-8",
  base64: "application/octet-stream",
};

export default async function (ctx: NodeContext) {
  const { binding, key, format, file, contentType, metadata } = ctx.config;
  const object = await binding.put(key, content(ctx.config), {
    httpMetadata: { contentType: contentType || file?.type || CONTENT_TYPES[format] },
    customMetadata: texts(metadata),
  });
  return { key, size: object.size, etag: object.etag };
}

function content({ key, format, value, text, file }: NodeContext["config"]): string | Uint8Array {
  const stored = { json: JSON.stringify(value), text, base64: file?.base64 ?? file }[format];
  if (stored === undefined) throw new NonRetryableError(`The content of ${key} is missing.`);
  return format === "base64" ? bytes(stored, key) : String(stored);
}

function bytes(base64: unknown, key: string): Uint8Array {
  try {
    return Uint8Array.from(atob(String(base64)), (character) => character.charCodeAt(0));
  } catch {
    throw new NonRetryableError(`The content of ${key} is not base64.`);
  }
}

/** R2 stores only texts. */
function texts(metadata: any): Record<string, string> | undefined {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, String(value)]);
  return entries.length ? Object.fromEntries(entries) : undefined;
}

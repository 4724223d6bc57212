import { NonRetryableError } from "cloudflare:workflows";

/** A step can return 1 MiB; other members of the output need a little of it. */
const MAX_BYTES = 1024 * 1024 - 4096;
const ABSENT = { found: false, value: null, size: 0, etag: null, contentType: null, metadata: null };

export default async function (ctx: NodeContext) {
  const { binding, key, format } = ctx.config;
  const object = await binding.get(key);
  if (!object) return ABSENT;
  const bytes = format === "base64" ? Math.ceil(object.size / 3) * 4 : object.size;
  if (bytes > MAX_BYTES) {
    await object.body.cancel();
    throw new NonRetryableError(
      `${key} has ${object.size} bytes, but a step can return at most 1 MiB. Read it in a step that returns only a part.`,
    );
  }
  return {
    found: true,
    value: await content(object, key, format),
    size: object.size,
    etag: object.etag,
    contentType: object.httpMetadata?.contentType ?? null,
    metadata: object.customMetadata ?? null,
  };
}

async function content(object: R2ObjectBody, key: string, format: string): Promise<any> {
  if (format === "base64") return base64(new Uint8Array(await object.arrayBuffer()));
  const text = await object.text();
  if (format === "text") return text;
  try {
    return JSON.parse(text, exact);
  } catch {
    throw new NonRetryableError(`${key} does not contain JSON. Set the format to text.`);
  }
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(binary);
}

/** A whole number that JavaScript would round is kept as text. */
function exact(_key: string, value: any, context?: { source?: string }): any {
  const source = context?.source ?? "";
  const isWhole = typeof value === "number" && /^-?[0-9]{16,}$/.test(source);
  return isWhole && (!Number.isFinite(value) || BigInt(source) !== BigInt(value)) ? source : value;
}

import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { binding, key, format } = ctx.config;
  const { value, metadata } = await binding.getWithMetadata(key, "text");
  if (value === null) return { found: false, value: null, metadata: null };
  return { found: true, value: format === "json" ? parsed(value, key) : value, metadata };
}

function parsed(value: string, key: string): any {
  try {
    return JSON.parse(value, exact);
  } catch {
    throw new NonRetryableError(`The value of ${key} is not JSON. Set the format to text.`);
  }
}

/** A whole number that JavaScript would round is kept as text. */
function exact(_key: string, value: any, context?: { source?: string }): any {
  const source = context?.source ?? "";
  const isWhole = typeof value === "number" && /^-?[0-9]{16,}$/.test(source);
  return isWhole && (!Number.isFinite(value) || BigInt(source) !== BigInt(value)) ? source : value;
}

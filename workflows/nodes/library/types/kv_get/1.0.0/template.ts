import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { binding, key, format } = ctx.config;
  const { value, metadata } = await binding.getWithMetadata(key, "text");
  if (value === null) return { found: false, value: null, metadata: null };
  return { found: true, value: format === "json" ? parsed(value, key) : value, metadata };
}

function parsed(value: string, key: string): any {
  try {
    return JSON.parse(value);
  } catch {
    throw new NonRetryableError(`The value of ${key} is not JSON. Set the format to text.`);
  }
}

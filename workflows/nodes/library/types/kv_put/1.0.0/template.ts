import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { binding, key, value, text, format, expirationTtl, metadata } = ctx.config;
  const stored = format === "json" ? JSON.stringify(value) : text;
  if (stored === undefined) throw new NonRetryableError(`The value for ${key} is missing.`);
  await binding.put(key, String(stored), { expirationTtl, metadata });
  return { key };
}

import { NonRetryableError } from "cloudflare:workflows";

/** A batch can have at most 100 messages and 256 KB. */
const MAX_MESSAGES = 100;
const MAX_BYTES = 240_000;

export default async function (ctx: NodeContext) {
  const { binding, body, each, delaySeconds } = ctx.config;
  if (body === undefined) throw new NonRetryableError("The message is missing.");
  if (!each) {
    await binding.send(body, { contentType: "json", delaySeconds });
    return { sent: 1 };
  }
  if (!Array.isArray(body)) throw new NonRetryableError("The message must be a list whose items are sent.");
  for (const batch of batches(body)) {
    await binding.sendBatch(
      batch.map((item) => ({ body: item, contentType: "json" as const })),
      { delaySeconds },
    );
  }
  return { sent: body.length };
}

function batches(items: unknown[]): unknown[][] {
  const found: unknown[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const size = new TextEncoder().encode(JSON.stringify(item ?? null)).length + 100;
    if (bytes + size > MAX_BYTES || found[found.length - 1].length === MAX_MESSAGES) {
      found.push([]);
      bytes = 0;
    }
    found[found.length - 1].push(item ?? null);
    bytes += size;
  }
  return found;
}

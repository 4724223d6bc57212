import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { url, body, secretFrom, secretExpression, secret } = ctx.config;
  if (body === undefined) throw new NonRetryableError("The webhook has no body.");
  const secrets = separate(secretFrom === "Expression" ? secretExpression : secret);
  const id = `msg_${ctx.idempotencyKey}`;
  const timestamp = Math.floor(Date.now() / 1000);
  const content = `${id}.${timestamp}.${JSON.stringify(body)}`;
  const signatures = await Promise.all(secrets.map((each) => sign(content, each)));
  const response = await ctx.request({
    service: "The receiver",
    method: "POST",
    url,
    headers: {
      "user-agent": "AwaitStep",
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": signatures.join(" "),
    },
    json: body,
    repeatable: true, // receivers recognize a repeated webhook by its id
    redirect: "manual", // the body is only for the receiver
    secrets: secrets.flatMap((each) => [each, each.slice(PREFIX.length)]),
  });
  return { id, timestamp, response };
}

const PREFIX = "whsec_";

function separate(value: unknown): string[] {
  const secrets = String(value ?? "").split(/\s+/).filter(Boolean);
  if (secrets.length) return secrets;
  throw new NonRetryableError("The webhook has no secret.");
}

async function sign(content: string, secret: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", keyOf(secret), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(content));
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`;
}

function keyOf(secret: string): Uint8Array {
  try {
    const key = Uint8Array.from(atob(secret.slice(PREFIX.length)), (character) => character.charCodeAt(0));
    if (secret.startsWith(PREFIX) && key.length) return key;
  } catch {
    // not base64
  }
  throw new NonRetryableError("The secret of a webhook must be whsec_ followed by a key in base64.");
}

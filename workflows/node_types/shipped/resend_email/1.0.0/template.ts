import { NonRetryableError } from "cloudflare:workflows";

/** The only 4xx statuses after which the same request may succeed later. */
const RETRYABLE = [408, 409, 425, 429];

export default async function (ctx: NodeContext) {
  const { config } = ctx;
  if (!config.html && !config.text) {
    throw new NonRetryableError("The email has neither HTML nor text.");
  }
  const response = await fetch(`${config.baseUrl.replace(/\/+$/, "")}/emails`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${config.apiKey}`,
      "content-type": "application/json",
      "idempotency-key": ctx.idempotencyKey,
      "user-agent": "AwaitStep", // Resend rejects requests without one
    },
    body: JSON.stringify({
      from: config.from,
      to: addresses(config.to),
      subject: config.subject,
      html: config.html || undefined,
      text: config.text || undefined,
      cc: addresses(config.cc),
      bcc: addresses(config.bcc),
      reply_to: addresses(config.replyTo),
    }),
  });
  if (!response.ok) throw await refusal(response);
  const { id } = await response.json();
  return { id };
}

/** Split addresses at commas; a reference may also provide a list. */
function addresses(value: string | string[] | undefined): string[] | undefined {
  const parts = Array.isArray(value) ? value : (value ?? "").split(",");
  const trimmed = parts.map((address) => String(address).trim()).filter(Boolean);
  return trimmed.length ? trimmed : undefined;
}

async function refusal(response: Response): Promise<Error> {
  const message = `Resend responded with ${response.status}: ${(await response.text()).slice(0, 500)}`;
  const isFinal = response.status < 500 && !RETRYABLE.includes(response.status);
  return isFinal ? new NonRetryableError(message) : new Error(message);
}

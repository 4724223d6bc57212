import { NonRetryableError } from "cloudflare:workflows";

/** These say "not now": the same request may succeed later, any other 4xx will not. */
const WORTH_A_RETRY = [408, 409, 425, 429];

export default async function (ctx: NodeContext) {
  const { config } = ctx;
  if (!config.html && !config.text) {
    throw new NonRetryableError("The e-mail has neither HTML nor text.");
  }
  const response = await fetch(`${config.baseUrl.replace(/\/+$/, "")}/emails`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${config.apiKey}`,
      "content-type": "application/json",
      "idempotency-key": ctx.idempotencyKey,
      "user-agent": "AwaitStep", // Resend refuses requests without one
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

/** Return the addresses between commas; a reference may bring a list of them. */
function addresses(given: string | string[] | undefined): string[] | undefined {
  const all = Array.isArray(given) ? given : (given ?? "").split(",");
  const found = all.map((address) => String(address).trim()).filter(Boolean);
  return found.length ? found : undefined;
}

async function refusal(response: Response): Promise<Error> {
  const message = `Resend answered ${response.status}: ${(await response.text()).slice(0, 500)}`;
  const isFinal = response.status < 500 && !WORTH_A_RETRY.includes(response.status);
  return isFinal ? new NonRetryableError(message) : new Error(message);
}

import { NonRetryableError } from "cloudflare:workflows";

/** The only 4xx statuses after which the same request may succeed later. */
const RETRYABLE = [408, 409, 425, 429];
const CHARGED = ["succeeded", "processing"];

export default async function (ctx: NodeContext) {
  const { config } = ctx;
  if (!Number.isSafeInteger(config.amount) || config.amount < 1) {
    throw new NonRetryableError(`The amount must be a whole number of cents, not ${config.amount}.`);
  }
  const response = await fetch(`${config.baseUrl.replace(/\/+$/, "")}/v1/payment_intents`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${config.apiKey}`,
      "content-type": "application/x-www-form-urlencoded",
      "idempotency-key": ctx.idempotencyKey,
    },
    body: form(config),
  });
  if (!response.ok) throw await refusal(response);
  const { id, status, amount, currency } = await response.json();
  if (!CHARGED.includes(status)) {
    throw new NonRetryableError(`Stripe has not charged the payment: ${id} is ${status}.`);
  }
  return { id, status, amount, currency };
}

function form(config: NodeContext["config"]): URLSearchParams {
  const fields = new URLSearchParams({
    amount: String(config.amount),
    currency: config.currency.toLowerCase(),
    payment_method: config.paymentMethod,
    confirm: "true",
    off_session: "true", // no customer is present to confirm
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
  });
  if (config.customer) fields.set("customer", config.customer);
  if (config.description) fields.set("description", config.description);
  if (config.receiptEmail) fields.set("receipt_email", config.receiptEmail);
  for (const [name, value] of Object.entries(config.metadata ?? {})) {
    fields.set(`metadata[${name}]`, String(value));
  }
  return fields;
}

async function refusal(response: Response): Promise<Error> {
  const text = await response.text();
  const message = `Stripe responded with ${response.status}: ${reason(text).slice(0, 500)}`;
  const isFinal = response.status < 500 && !RETRYABLE.includes(response.status);
  return isFinal ? new NonRetryableError(message) : new Error(message);
}

/** Return the message in Stripe's JSON error. */
function reason(text: string): string {
  try {
    const { code, message } = JSON.parse(text).error;
    return code ? `${message} (${code})` : message;
  } catch {
    return text;
  }
}

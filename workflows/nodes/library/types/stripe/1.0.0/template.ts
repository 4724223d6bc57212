import { NonRetryableError } from "cloudflare:workflows";

const PATHS = {
  "Create Payment Intent": "payment_intents",
  "Retrieve Payment Intent": "payment_intents",
  "Create Customer": "customers",
  "Retrieve Customer": "customers",
  "Create Charge": "charges",
  "Create Refund": "refunds",
};

export default async function (ctx: NodeContext) {
  const { config, idempotencyKey } = ctx;
  const url = `https://api.stripe.com/v1/${PATHS[config.action]}`;
  const creates = config.action.startsWith("Create");
  const data = await ctx.request({
    service: "Stripe",
    method: creates ? "POST" : "GET",
    url: creates ? url : `${url}/${encodeURIComponent(known(config))}`,
    headers: { authorization: `Bearer ${config.secretKey}`, "idempotency-key": creates ? idempotencyKey : undefined },
    form: creates ? form(config) : undefined,
    // Stripe performs a request only once for a key; 409: an earlier one is still being performed.
    repeatable: true,
    temporary: [409],
    reason: ({ error }) => (error.code ? `${error.message} (${error.code})` : error.message),
  });
  return { id: data.id, status: data.status ?? null, data };
}

function known({ action, paymentIntentId, customerId }: NodeContext["config"]): string {
  const id = action === "Retrieve Customer" ? customerId : paymentIntentId;
  if (!id) throw new NonRetryableError(`${action} needs the id of the object.`);
  return id;
}

function form(config: NodeContext["config"]): Record<string, unknown> {
  const { action, amount, currency, customerId, description } = config;
  const metadata = Object.entries(config.metadata ?? {}).map(([name, value]) => [`metadata[${name}]`, value]);
  const common = { description, ...Object.fromEntries(metadata) };
  switch (action) {
    case "Create Customer":
      return { email: config.email, name: config.name, ...common };
    case "Create Refund":
      if (!config.paymentIntentId && !config.chargeId) {
        throw new NonRetryableError("A refund needs a payment intent or a charge.");
      }
      return {
        payment_intent: config.paymentIntentId,
        charge: config.paymentIntentId ? undefined : config.chargeId,
        amount: amount === undefined ? undefined : whole(amount),
        ...Object.fromEntries(metadata),
      };
  }
  const payment = {
    amount: whole(amount),
    currency: currency.toLowerCase(),
    customer: customerId,
    receipt_email: config.receiptEmail,
    ...common,
  };
  return action === "Create Charge"
    ? { ...payment, source: config.source }
    : { ...payment, ...confirmation(config.paymentMethod) };
}

/** With a saved payment method, the payment is confirmed immediately: no customer is there to do that. */
function confirmation(paymentMethod: string | undefined): Record<string, string> {
  const automatic = { "automatic_payment_methods[enabled]": "true" };
  if (!paymentMethod) return automatic;
  return {
    ...automatic,
    "automatic_payment_methods[allow_redirects]": "never",
    payment_method: paymentMethod,
    confirm: "true",
    off_session: "true",
  };
}

function whole(amount: number | undefined): number {
  if (Number.isSafeInteger(amount) && amount > 0) return amount;
  throw new NonRetryableError(`The amount must be a whole number in the smallest unit, not ${amount}.`);
}

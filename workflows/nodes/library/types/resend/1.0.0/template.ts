import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { config } = ctx;
  const data = await ctx.request({
    service: "Resend",
    headers: {
      authorization: `Bearer ${config.apiKey}`,
      "user-agent": "AwaitStep", // Resend rejects requests without one
      "idempotency-key": config.action === "Send Email" ? ctx.idempotencyKey : undefined,
    },
    reason: (body) => body.message,
    ...call(config),
  });
  return { id: data.id, status: status(config.action, data), data };
}

/** Resend sends an email only once for a key, and canceling twice does no harm, so all may be repeated. */
function call(config: NodeContext["config"]) {
  const { action, emailId } = config;
  const url = "https://api.resend.com/emails";
  if (action === "Get Email") return { url: `${url}/${encodeURIComponent(emailId)}` };
  if (action === "Cancel Email") {
    return { method: "POST", url: `${url}/${encodeURIComponent(emailId)}/cancel`, repeatable: true };
  }
  // 409: an earlier request with the same key is still being processed
  return { method: "POST", url, json: email(config), repeatable: true, temporary: [409] };
}

function email(config: NodeContext["config"]): object {
  if (!config.html && !config.text) throw new NonRetryableError("The email has neither HTML nor text.");
  return {
    from: config.from,
    to: addresses(config.to),
    subject: config.subject,
    html: config.html || undefined,
    text: config.text || undefined,
    cc: addresses(config.cc),
    bcc: addresses(config.bcc),
    reply_to: addresses(config.replyTo),
    scheduled_at: config.scheduledAt || undefined,
  };
}

function status(action: NodeContext["config"]["action"], data: any): string {
  if (action === "Get Email") return data.last_event;
  return action === "Send Email" ? "sent" : "canceled";
}

/** Split addresses at commas; a reference may also provide a list. */
function addresses(value: string | string[] | undefined): string[] | undefined {
  const parts = Array.isArray(value) ? value : (value ?? "").split(",");
  const trimmed = parts.map((address) => String(address).trim()).filter(Boolean);
  return trimmed.length ? trimmed : undefined;
}

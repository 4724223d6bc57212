import { NonRetryableError } from "cloudflare:workflows";

/** Nothing has been sent: after any other error, the email may have been. */
const NOT_SENT = ["E_RATE_LIMIT_EXCEEDED"];

export default async function (ctx: NodeContext) {
  const { binding, from, subject, text, html } = ctx.config;
  if (!text && !html) throw new NonRetryableError("The email has neither text nor HTML.");
  const to = addresses(ctx.config.to);
  if (!to) throw new NonRetryableError("The email has no recipient.");
  try {
    const sent: any = await binding.send({
      from: sender(from),
      to,
      subject,
      text: text || undefined,
      html: html || undefined,
      cc: addresses(ctx.config.cc),
      bcc: addresses(ctx.config.bcc),
      replyTo: ctx.config.replyTo ? sender(ctx.config.replyTo) : undefined,
    });
    return { messageId: sent?.messageId ?? null };
  } catch (error: any) {
    const message = [error?.code, error?.message ?? error].filter(Boolean).join(": ");
    if (NOT_SENT.includes(error?.code)) throw new Error(message);
    throw new NonRetryableError(`The email was not accepted, and is not sent again: ${message}`);
  }
}

/** Split addresses at commas; a reference may also provide a list. */
function addresses(value: string | string[] | undefined): string[] | undefined {
  const parts = Array.isArray(value) ? value : (value ?? "").split(",");
  const trimmed = parts.map((address) => String(address).trim()).filter(Boolean);
  return trimmed.length ? trimmed : undefined;
}

/** `Shop <orders@example.com>` has a name and an address. */
function sender(value: string): string | { name: string; email: string } {
  const [, name, email] = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(value) ?? [];
  return name && email ? { name: name.replace(/^"(.*)"$/, "$1"), email } : (email ?? value.trim());
}

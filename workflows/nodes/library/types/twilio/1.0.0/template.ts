import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { action, accountSid, authToken, messageSid } = ctx.config;
  const credentials = btoa(`${accountSid}:${authToken}`);
  const resource = action === "Make Call" ? "Calls" : "Messages";
  const isNew = action !== "Get Message Status";
  const path = isNew ? resource : `${resource}/${encodeURIComponent(messageSid)}`;
  const answer = await ctx.request({
    service: "Twilio",
    method: isNew ? "POST" : "GET",
    url: `https://api.twilio.com/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/${path}.json`,
    headers: { authorization: `Basic ${credentials}` },
    form: isNew ? form(ctx.config) : undefined,
    reason: ({ message, code }) => (code ? `${message} (${code})` : message),
    secrets: [credentials],
  });
  // these contain the id of the account, which is one of the node's secrets
  const { account_sid, uri, subresource_uris, ...data } = answer;
  return { sid: data.sid, status: data.status, data };
}

function form(config: NodeContext["config"]): Record<string, unknown> {
  const { action, to, from, body, mediaUrl, contentSid, contentVariables } = config;
  const prefix = action === "Send WhatsApp" ? "whatsapp:" : "";
  const common = { To: prefixed(to, prefix), ...sender(from, prefix), StatusCallback: config.statusCallbackUrl };
  if (action === "Make Call") return { ...common, Twiml: config.twiml };
  if (!body && !mediaUrl && !contentSid) throw new NonRetryableError("The message has no body, media or template.");
  return { ...common, Body: body, MediaUrl: mediaUrl, ContentSid: contentSid, ContentVariables: contentVariables };
}

function sender(from: string, prefix: string): Record<string, string> {
  return from.startsWith("MG") ? { MessagingServiceSid: from } : { From: prefixed(from, prefix) };
}

function prefixed(address: string, prefix: string): string {
  return address.startsWith(prefix) ? address : prefix + address;
}

import { NonRetryableError } from "cloudflare:workflows";

/** The code of the error that another attempt to delete a message finds. */
const UNKNOWN_MESSAGE = 10008;

export default async function (ctx: NodeContext) {
  const { action, channelId, messageId } = ctx.config;
  try {
    const data = await ctx.request({
      service: "Discord",
      reason: ({ message, code, errors }) => [code ? `${message} (${code})` : message, ...details(errors)].join("; "),
      ...(action === "Send Webhook Message" ? webhookCall(ctx) : botCall(ctx)),
    });
    if (data) return { id: data.id, channelId: data.channel_id, data };
  } catch (error: any) {
    const isDeleted = action === "Delete Message" && ctx.attempt > 1 && error.body?.code === UNKNOWN_MESSAGE;
    if (!isDeleted) throw error;
  }
  return { id: messageId, channelId, data: { deleted: true } };
}

function webhookCall({ config }: NodeContext) {
  const { webhookUrl, username, avatarUrl } = config;
  return {
    method: "POST",
    url: webhookUrl,
    query: { wait: true }, // for the response to be the message
    headers: { "user-agent": USER_AGENT },
    json: { ...content(config), username: username || undefined, avatar_url: avatarUrl || undefined },
    secrets: [webhookUrl?.split("/").pop()],
  };
}

function botCall({ config, idempotencyKey }: NodeContext) {
  const { action, channelId, messageId, botToken } = config;
  const messages = `https://discord.com/api/v10/channels/${encodeURIComponent(channelId)}/messages`;
  const message = `${messages}/${encodeURIComponent(messageId)}`;
  const headers = { authorization: `Bot ${botToken}`, "user-agent": USER_AGENT };
  if (action === "Delete Message") return { method: "DELETE", url: message, headers };
  if (action === "Edit Message") {
    return { method: "PATCH", url: message, headers, json: content(config), repeatable: true };
  }
  // For a few minutes, Discord recognizes a repeated message by its nonce.
  const nonce = { nonce: idempotencyKey.slice(0, 25), enforce_nonce: true };
  return { method: "POST", url: messages, headers, json: { ...content(config), ...nonce }, repeatable: true };
}

/** Discord blocks other forms. */
const USER_AGENT = "DiscordBot (AwaitStep, 1.0.0)";

function content({ content, embeds }: NodeContext["config"]): object {
  if (!content && !embeds) throw new NonRetryableError("The message has neither content nor embeds.");
  return { content: content || undefined, embeds };
}

/** What is wrong in each part of the message. */
function details(errors: any, path = ""): string[] {
  if (errors?._errors) return errors._errors.map(({ message }: any) => `${path}: ${message}`);
  return Object.entries(errors ?? {}).flatMap(([name, inner]) => details(inner, path ? `${path}.${name}` : name));
}

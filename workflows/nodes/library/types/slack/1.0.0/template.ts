import { NonRetryableError } from "cloudflare:workflows";

const METHODS = {
  "Send Message": "chat.postMessage",
  "Update Message": "chat.update",
  "Delete Message": "chat.delete",
  "Set Channel Topic": "conversations.setTopic",
  "Invite to Channel": "conversations.invite",
};

/** Slack reports most errors with status 200. After these, it has done nothing and may later. */
const BUSY = ["ratelimited", "rate_limited", "service_unavailable"];

/** These leave open whether it has done something. */
const OPEN = ["internal_error", "fatal_error", "request_timeout"];

/** What another attempt finds if an earlier one has succeeded. */
const DONE = { "Delete Message": "message_not_found", "Invite to Channel": "already_in_channel" };

export default async function (ctx: NodeContext) {
  const { action, token, channel } = ctx.config;
  const repeatable = action !== "Send Message";
  const answer = await ctx.request({
    service: "Slack",
    method: "POST",
    url: `https://slack.com/api/${METHODS[action]}`,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json; charset=utf-8" },
    json: parameters(ctx.config),
    repeatable,
  });
  if (!answer?.ok && !(answer?.error === DONE[action] && (ctx.attempt > 1 || action === "Invite to Channel"))) {
    throw refusal(String(answer?.error ?? "no reason given"), repeatable);
  }
  const id = answer.channel?.id ?? answer.channel ?? channel;
  return { ok: true, ts: answer.ts ?? null, channel: id };
}

function parameters(config: NodeContext["config"]): object {
  const { action, channel, text, blocks, messageTs } = config;
  switch (action) {
    case "Send Message":
      if (!text && !blocks) throw new NonRetryableError("The message has neither text nor blocks.");
      return {
        channel,
        text,
        blocks,
        thread_ts: config.threadTs || undefined,
        username: config.username || undefined,
        icon_emoji: config.iconEmoji || undefined,
      };
    case "Update Message":
      return { channel, ts: messageTs, text, blocks };
    case "Delete Message":
      return { channel, ts: messageTs };
    case "Set Channel Topic":
      return { channel, topic: config.topic };
    case "Invite to Channel":
      return { channel, users: config.userId };
  }
}

function refusal(reason: string, repeatable: boolean): Error {
  const message = `Slack refused the request: ${reason}`;
  if (BUSY.includes(reason) || (OPEN.includes(reason) && repeatable)) return new Error(message);
  const ending = OPEN.includes(reason) ? ". The message may have been sent, so it is not sent again." : "";
  return new NonRetryableError(message + ending);
}

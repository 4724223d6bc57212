import { NonRetryableError } from "cloudflare:workflows";

/** The only 4xx statuses after which the same request may succeed later. */
const RETRYABLE = [408, 409, 425, 429];

/** Slack reports most errors with status 200; these ones are temporary. */
const TEMPORARY = [
  "ratelimited",
  "rate_limited",
  "internal_error",
  "fatal_error",
  "request_timeout",
  "service_unavailable",
];

export default async function (ctx: NodeContext) {
  const { config } = ctx;
  const response = await fetch(`${config.baseUrl.replace(/\/+$/, "")}/chat.postMessage`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${config.botToken}`,
      "content-type": "application/json; charset=utf-8",
    },
    body: JSON.stringify({
      channel: config.channel,
      text: config.text,
      blocks: config.blocks,
      thread_ts: config.threadTs || undefined,
    }),
  });
  const answer = await read(response);
  if (!answer.ok) {
    const message = `Slack refused the message: ${answer.error}`;
    throw TEMPORARY.includes(answer.error) ? new Error(message) : new NonRetryableError(message);
  }
  return { channel: answer.channel, ts: answer.ts };
}

async function read(response: Response): Promise<any> {
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  const message = `Slack responded with ${response.status}: ${text.slice(0, 500)}`;
  const isFinal = response.status < 500 && !RETRYABLE.includes(response.status);
  throw isFinal ? new NonRetryableError(message) : new Error(message);
}

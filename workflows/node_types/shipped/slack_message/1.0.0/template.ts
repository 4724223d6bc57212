import { NonRetryableError } from "cloudflare:workflows";

/** These say "not now": the same request may succeed later, any other 4xx will not. */
const WORTH_A_RETRY = [408, 409, 425, 429];

/** Slack answers 200 to almost everything; of its errors these pass by themselves. */
const PASSING = [
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
    throw PASSING.includes(answer.error) ? new Error(message) : new NonRetryableError(message);
  }
  return { channel: answer.channel, ts: answer.ts };
}

async function read(response: Response): Promise<any> {
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  const message = `Slack answered ${response.status}: ${text.slice(0, 500)}`;
  const isFinal = response.status < 500 && !WORTH_A_RETRY.includes(response.status);
  throw isFinal ? new NonRetryableError(message) : new Error(message);
}

import { NonRetryableError } from "cloudflare:workflows";

/** A step can return 1 MiB; other members of the output need a little of it. */
const MAX_LENGTH = 1024 * 1024 - 16384;

export default async function (ctx: NodeContext) {
  const { config } = ctx;
  const { path, json } = call(config);
  const data = await request(ctx, path, json);
  const usage = data.usage ?? null;
  switch (config.action) {
    case "Create Embedding":
      return { result: data.data[0].embedding, json: null, usage, data };
    case "Create Image": {
      const [{ b64_json: image, ...rest }] = data.data;
      return { result: storable(image), json: null, usage, data: { ...data, data: [rest] } };
    }
    case "Moderate Content":
      return { result: data.results[0].flagged ? "flagged" : "clean", json: null, usage, data };
  }
  const text = answer(data.choices[0], Boolean(config.schema));
  return { result: text, json: config.schema ? JSON.parse(text) : null, usage, data };
}

/** An image that cannot be stored must not be paid for once more. */
function storable(image: string): string {
  if (image.length <= MAX_LENGTH) return image;
  throw new NonRetryableError(
    `The image has ${image.length} characters in base64, but a step can return at most 1 MiB. Choose jpeg or a smaller size.`,
  );
}

/** A repeated request only costs its tokens again. */
async function request(ctx: NodeContext, path: string, json: object): Promise<any> {
  try {
    return await ctx.request({
      service: "OpenAI",
      method: "POST",
      url: `https://api.openai.com/v1/${path}`,
      headers: { authorization: `Bearer ${ctx.config.apiKey}` },
      json,
      repeatable: true,
      temporary: [409],
      reason: ({ error }) => (error.code ? `${error.message} (${error.code})` : error.message),
    });
  } catch (error: any) {
    // the status is that of a rate limit, but the account has no credit left
    throw error.body?.error?.code === "insufficient_quota" ? new NonRetryableError(error.message) : error;
  }
}

function call(config: NodeContext["config"]): { path: string; json: object } {
  switch (config.action) {
    case "Create Embedding":
      return { path: "embeddings", json: { model: config.embeddingModel, input: config.input } };
    case "Create Image": {
      const compressed = config.imageFormat === "png" ? {} : { output_compression: 80 };
      const form = { size: config.size, output_format: config.imageFormat, ...compressed };
      return { path: "images/generations", json: { model: config.imageModel, prompt: config.imagePrompt, n: 1, ...form } };
    }
    case "Moderate Content":
      return { path: "moderations", json: { model: "omni-moderation-latest", input: config.moderationInput } };
  }
  return { path: "chat/completions", json: chat(config) };
}

function chat({ model, systemPrompt, userMessage, schema, temperature, maxTokens }: NodeContext["config"]): object {
  const system = systemPrompt ? [{ role: "system", content: systemPrompt }] : [];
  const format = { type: "json_schema", json_schema: { name: "answer", strict: true, schema } };
  return {
    model,
    messages: [...system, { role: "user", content: userMessage }],
    temperature,
    max_completion_tokens: maxTokens,
    response_format: schema ? format : undefined,
  };
}

function answer({ message, finish_reason }: any, isWhole: boolean): string {
  if (message.refusal) throw new NonRetryableError(`The model refused to answer: ${message.refusal}`);
  if (message.content && (finish_reason === "stop" || !isWhole)) return message.content;
  const hint = finish_reason === "length" ? ". Increase the maximum tokens" : "";
  throw new NonRetryableError(`The answer is not complete: ${finish_reason}${hint}.`);
}

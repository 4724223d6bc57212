import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { model, systemPrompt, userMessage, schema, temperature, maxTokens, apiKey } = ctx.config;
  const data = await ctx.request({
    service: "Anthropic",
    method: "POST",
    url: "https://api.anthropic.com/v1/messages",
    headers: { "x-api-key": apiKey, "anthropic-version": "2023-06-01" },
    json: {
      model,
      max_tokens: maxTokens,
      system: systemPrompt || undefined,
      messages: [{ role: "user", content: userMessage }],
      temperature,
      output_config: schema ? { format: { type: "json_schema", schema } } : undefined,
    },
    repeatable: true, // a repeated request only costs its tokens again
    reason: ({ error }) => `${error.message} (${error.type})`,
  });
  const result = answer(data, Boolean(schema));
  return { result, json: schema ? JSON.parse(result) : null, usage: data.usage, data };
}

function answer({ content, stop_reason }: any, isWhole: boolean): string {
  const text = content.map((block: any) => (block.type === "text" ? block.text : "")).join("");
  if (stop_reason === "refusal") throw new NonRetryableError("The model refused to answer.");
  if (text && (stop_reason === "end_turn" || !isWhole)) return text;
  const hint = stop_reason === "max_tokens" ? ". Increase the maximum tokens" : "";
  throw new NonRetryableError(`The answer is not complete: ${stop_reason}${hint}.`);
}

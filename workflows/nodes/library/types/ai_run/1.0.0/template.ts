import { NonRetryableError } from "cloudflare:workflows";

/** The codes of errors that the same request would cause again. */
const FINAL = /\b(3003|3006|3023|3036|3039|3041|3042|5004|5005|5007|5016|5018|5019)\b/;

export default async function (ctx: NodeContext) {
  const { binding, model, input, gateway } = ctx.config;
  if (!binding) {
    throw new NonRetryableError(
      "There is no Workers AI here. Pin the output of this node in test runs, or deploy to a Cloudflare account.",
    );
  }
  try {
    const output: any = await binding.run(model, input, gateway ? { gateway: { id: gateway } } : {});
    return output instanceof ReadableStream ? await file(output) : output;
  } catch (error: any) {
    const message = `${model}: ${String(error?.message ?? error).slice(0, 500)}`;
    throw FINAL.test(message) ? new NonRetryableError(message) : new Error(message);
  }
}

/** Models for images and speech return the bytes of a file. */
async function file(stream: ReadableStream): Promise<{ base64: string }> {
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return { base64: btoa(binary) };
}

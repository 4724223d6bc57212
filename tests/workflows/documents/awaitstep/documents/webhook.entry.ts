// Verifies the signature before a run starts.
const HEADER = "x-signature";

/** What the provider signs. */
function isSigned(request, env) {
  return request.headers.get(HEADER) === env.SHOP_SECRET;
}

@fetch function handler(request, env, ctx) {
  if (!isSigned(request, env)) return new Response("@fetch this", { status: 401 });
  const run = await env.WORKFLOW.create({ params: await request.json() });
  return Response.json({ accepted: true, started: run.id.length > 0 }, { status: 202 });
}

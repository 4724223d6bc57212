const url = new URL(request.url);
if (url.pathname !== "/expenses") return new Response("unknown", { status: 404 });
const instance = await env.WORKFLOW.create({ params: await request.json() });
return Response.json({ started: Boolean(instance.id) }, { status: 202 });

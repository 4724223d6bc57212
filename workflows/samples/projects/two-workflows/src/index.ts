import type { Env } from './env';
import type { Order } from './orders';

// The main module exports the class of each Workflow in the configuration.
export { OrderWorkflow } from './orders';
export { ReportWorkflow } from './reports';

export default {
  // POST /orders with {"item": "tea", "cents": 450} and POST /reports start runs.
  async fetch(request, env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method !== 'POST') return new Response('Use POST.', { status: 405 });
    if (pathname === '/orders') {
      const run = await env.ORDERS.create({ params: await request.json<Order>() });
      return Response.json({ id: run.id }, { status: 201 });
    }
    if (pathname === '/reports') {
      const run = await env.REPORTS.create();
      return Response.json({ id: run.id }, { status: 201 });
    }
    return new Response('Not found', { status: 404 });
  },
} satisfies ExportedHandler<Env>;

import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { NonRetryableError } from 'cloudflare:workflows';
import { type Billing, call } from './billing';

interface Env extends Billing {
  INVOICES: Workflow<Invoice>;
}

interface Invoice {
  customer: string;
  cents: number;
}

interface Charge {
  id: string;
}

export class InvoiceWorkflow extends WorkflowEntrypoint<Env, Invoice> {
  async run(event: Readonly<WorkflowEvent<Invoice>>, step: WorkflowStep) {
    const { customer, cents } = event.payload;
    const run = event.instanceId;

    await step.do('check the invoice', async () => {
      // No attempt can fix this, so there are no retries.
      if (!(cents > 0)) throw new NonRetryableError('The amount must be more than zero.');
    });

    const charge = await step.do(
      'charge the customer',
      { retries: { limit: 5, delay: '1 second', backoff: 'exponential' }, timeout: '30 seconds' },
      async () => call<Charge>(this.env, '/charges', run, { customer, cents }),
      {
        // Runs if the run fails later: whatever was charged is returned.
        rollback: async ({ output }) => {
          if (output) await call(this.env, '/refunds', run, { charge: output.id });
        },
      },
    );

    await step.do(
      'send the invoice',
      { retries: { limit: 2, delay: '1 second', backoff: 'constant' } },
      async () => {
        await call(this.env, '/emails', run, { customer, charge: charge.id });
      },
    );
    return { customer, charge: charge.id };
  }
}

export default {
  // POST / with {"customer": "ada", "cents": 1250} starts a run, GET /?run=ID shows its status.
  async fetch(request, env): Promise<Response> {
    const id = new URL(request.url).searchParams.get('run');
    if (id) return Response.json(await (await env.INVOICES.get(id)).status());
    if (request.method !== 'POST') return new Response('Send the invoice with POST.', { status: 405 });
    const run = await env.INVOICES.create({ params: await request.json<Invoice>() });
    return Response.json({ id: run.id }, { status: 201 });
  },
} satisfies ExportedHandler<Env>;

import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';

interface Env {
  APPROVALS: Workflow<Expense>;
}

interface Expense {
  title: string;
  amount: number;
}

interface Decision {
  approved: boolean;
  by: string;
}

export class ApprovalWorkflow extends WorkflowEntrypoint<Env, Expense> {
  async run(event: Readonly<WorkflowEvent<Expense>>, step: WorkflowStep) {
    const { title, amount } = event.payload;

    await step.do('ask for approval', async () => {
      // Send an email or a chat message with the address of this run here.
      console.log(`Waiting for the approval of ${title} (${amount}): run ${event.instanceId}`);
    });

    const decision = await this.decision(step);
    if (!decision.approved) return { title, status: 'rejected', by: decision.by };

    const paid = await step.do('pay the expense', async () => ({ title, amount }));
    return { ...paid, status: 'paid', by: decision.by };
  }

  /** The run uses no CPU time while it waits. Without an event in time, `waitForEvent` throws. */
  private async decision(step: WorkflowStep): Promise<Decision> {
    try {
      const options = { type: 'decision', timeout: '3 days' } as const;
      return (await step.waitForEvent<Decision>('wait for the decision', options)).payload;
    } catch {
      return { approved: false, by: 'nobody in time' };
    }
  }
}

// POST /                    starts a run:    {"title": "Train", "amount": 80}
// POST /RUN/decision        sends the event: {"approved": true, "by": "Ada"}
// GET  /RUN                 shows its status
//
// Anyone who knows the address can decide: protect the Worker, for example with Cloudflare Access.
export default {
  async fetch(request, env): Promise<Response> {
    const [, id, action] = new URL(request.url).pathname.split('/');
    if (!id) {
      if (request.method !== 'POST') return new Response('Send the expense with POST.', { status: 405 });
      const run = await env.APPROVALS.create({ params: await request.json<Expense>() });
      return Response.json({ id: run.id }, { status: 201 });
    }
    const run = await env.APPROVALS.get(id).catch(() => null);
    if (!run) return new Response('There is no such run.', { status: 404 });
    if (action === 'decision' && request.method === 'POST') {
      await run.sendEvent({ type: 'decision', payload: await request.json<Decision>() });
      return new Response(null, { status: 202 });
    }
    return Response.json(await run.status());
  },
} satisfies ExportedHandler<Env>;

import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';

interface Env {
  SIGNUPS: Workflow<Signup>;
  QUEUE: Queue<Signup>;
}

interface Signup {
  email: string;
}

export class SignupWorkflow extends WorkflowEntrypoint<Env, Signup> {
  async run(event: Readonly<WorkflowEvent<Signup>>, step: WorkflowStep) {
    const account = await step.do('create the account', async () => {
      return { email: event.payload.email.toLowerCase() };
    });
    await step.sleep('wait before the first tip', '1 second');
    return step.do('send the first tip', async () => ({ to: account.email, tip: 1 }));
  }
}

export default {
  /** Start a run for each message, with its id: a message that is delivered again starts no second run. */
  async queue(batch, env): Promise<void> {
    const runs = batch.messages.map(({ id, body }) => ({ id, params: body }));
    await env.SIGNUPS.createBatch(runs);
  },

  // POST / with {"email": "Ada@example.com"} sends a message.
  async fetch(request, env): Promise<Response> {
    if (request.method !== 'POST') return new Response('Send the signup with POST.', { status: 405 });
    await env.QUEUE.send(await request.json<Signup>());
    return new Response(null, { status: 202 });
  },
} satisfies ExportedHandler<Env, Signup>;

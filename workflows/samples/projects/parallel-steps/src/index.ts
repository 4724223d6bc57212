import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';

interface Env {
  CHECKS: Workflow<Params>;
}

interface Params {
  urls: string[];
}

const AT_ONCE = 5;

export class CheckWorkflow extends WorkflowEntrypoint<Env, Params> {
  async run(event: Readonly<WorkflowEvent<Params>>, step: WorkflowStep) {
    const results: PromiseSettledResult<number>[] = [];
    for (const urls of chunks(event.payload.urls, AT_ONCE)) {
      // Each step is retried on its own. `Promise.all` would fail with the first one that gives up.
      results.push(...(await Promise.allSettled(urls.map((url) => this.check(url, step)))));
    }
    const failed = event.payload.urls.filter((_, index) => results[index]?.status === 'rejected');
    return { checked: results.length, failed };
  }

  /** The name of the step contains the address, so each step has a name of its own. */
  private check(url: string, step: WorkflowStep): Promise<number> {
    return step.do(
      `check ${url}`,
      { retries: { limit: 2, delay: '1 second', backoff: 'constant' }, timeout: '10 seconds' },
      async () => {
        const response = await fetch(url);
        if (!response.ok) throw new Error(`${url} responded with status ${response.status}`);
        return response.status;
      },
    );
  }
}

function* chunks<T>(values: T[], size: number): Generator<T[]> {
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size);
}

export default {
  // POST / with {"urls": ["https://example.com"]} starts a run.
  async fetch(request, env): Promise<Response> {
    if (request.method !== 'POST') return new Response('Send the addresses with POST.', { status: 405 });
    const run = await env.CHECKS.create({ params: await request.json<Params>() });
    return Response.json({ id: run.id }, { status: 201 });
  },
} satisfies ExportedHandler<Env>;

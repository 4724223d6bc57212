// Asks the platform for the permits of Workflow instances; called by the engine, in workflow_limits/engine.js.

import { WorkerEntrypoint } from 'cloudflare:workers';

export class Permits extends WorkerEntrypoint {
  acquire(request) {
    return this.#call('acquire', request);
  }

  release(request) {
    return this.#call('release', request);
  }

  unload(request) {
    return this.#call('unload', request);
  }

  async #call(operation, request) {
    const body = JSON.stringify({ ...request, operation });
    const response = await this.env.PERMITS.fetch('http://permits/', { method: 'POST', body });
    if (!response.ok) throw new Error(`the platform responded with ${response.status}`);
    return response.json();
  }
}

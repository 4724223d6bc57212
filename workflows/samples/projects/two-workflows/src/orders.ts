import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { Env } from './env';

export interface Order {
  item: string;
  cents: number;
}

export class OrderWorkflow extends WorkflowEntrypoint<Env, Order> {
  async run(event: Readonly<WorkflowEvent<Order>>, step: WorkflowStep) {
    const key = `order:${event.instanceId}`;
    await step.do('store the order', async () => {
      await this.env.SHOP.put(key, JSON.stringify(event.payload));
    });
    return { key };
  }
}

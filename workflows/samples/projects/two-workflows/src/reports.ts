import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { Env } from './env';
import type { Order } from './orders';

export class ReportWorkflow extends WorkflowEntrypoint<Env> {
  async run(_event: Readonly<WorkflowEvent<unknown>>, step: WorkflowStep) {
    const keys = await step.do('list the orders', async () => {
      const { keys } = await this.env.SHOP.list({ prefix: 'order:' }); // the first 1,000
      return keys.map(({ name }) => name);
    });

    const cents = await step.do('add up the orders', async () => {
      let sum = 0;
      for (const key of keys) sum += (await this.env.SHOP.get<Order>(key, 'json'))?.cents ?? 0;
      return sum;
    });
    return { orders: keys.length, cents };
  }
}

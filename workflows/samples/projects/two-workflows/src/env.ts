import type { Order } from './orders';

export interface Env {
  ORDERS: Workflow<Order>;
  REPORTS: Workflow;
  SHOP: KVNamespace;
}

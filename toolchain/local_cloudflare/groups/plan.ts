// Which Workers and resources share a process: all that are bound together, and nothing else.

import type { Account } from '../state/account.ts';
import type { Queue } from '../state/records.ts';
import { connects } from './bindings.ts';

export interface Plan {
  /** The group's folder name, by node (`worker:N`, `kv:ID`, `d1:ID`, `r2:NAME`, `workflow:NAME`, `queue:NAME`). */
  groupOf: Map<string, string>;
  members: Map<string, string[]>;
}

export function makePlan(account: Account): Plan {
  const sets = new Sets();
  for (const node of resources(account)) sets.add(node);
  for (const worker of account.workers.values()) {
    const self = `worker:${worker.name}`;
    sets.add(self);
    for (const binding of account.live(worker)?.bindings ?? []) {
      const other = connects(binding);
      if (other && reaches(account, other)) sets.join(self, other);
    }
  }
  for (const queue of account.queues.all())
    for (const other of consumes(queue)) if (reaches(account, other)) sets.join(`queue:${queue.name}`, other);
  for (const workflow of account.workflows.values())
    if (account.workers.has(workflow.script_name))
      sets.join(`worker:${workflow.script_name}`, `workflow:${workflow.name}`);
  return named(sets);
}

function* resources(account: Account): Iterable<string> {
  for (const { id } of account.namespaces.all()) yield `kv:${id}`;
  for (const { uuid } of account.databases.all()) yield `d1:${uuid}`;
  for (const { name } of account.buckets.all()) yield `r2:${name}`;
  for (const { name } of account.queues.all()) yield `queue:${name}`;
  for (const name of account.workflows.keys()) yield `workflow:${name}`;
}

/** What a queue's messages go to. */
function* consumes({ consumer }: Queue): Iterable<string> {
  if (consumer) yield `worker:${consumer.script_name}`;
  if (consumer?.dead_letter_queue) yield `queue:${consumer.dead_letter_queue}`;
}

/** A binding to a Worker that is gone connects nothing. */
function reaches(account: Account, node: string): boolean {
  return !node.startsWith('worker:') || account.workers.has(node.slice('worker:'.length));
}

/** A group is named after its first Worker, so that its folder keeps its name as resources come and go. */
function named(sets: Sets): Plan {
  const plan: Plan = { groupOf: new Map(), members: new Map() };
  for (const nodes of sets.all()) {
    nodes.sort();
    const first = nodes.find((node) => node.startsWith('worker:')) ?? nodes[0] ?? '';
    const key = first.replace(':', '-');
    plan.members.set(key, nodes);
    for (const node of nodes) plan.groupOf.set(node, key);
  }
  return plan;
}

class Sets {
  readonly #parents = new Map<string, string>();

  add(node: string): void {
    if (!this.#parents.has(node)) this.#parents.set(node, node);
  }

  join(one: string, other: string): void {
    this.add(one);
    this.add(other);
    this.#parents.set(this.#root(one), this.#root(other));
  }

  all(): Iterable<string[]> {
    const groups = new Map<string, string[]>();
    for (const node of this.#parents.keys()) {
      const root = this.#root(node);
      groups.set(root, [...(groups.get(root) ?? []), node]);
    }
    return groups.values();
  }

  #root(node: string): string {
    let at = node;
    for (let up = this.#parents.get(at); up !== undefined && up !== at; up = this.#parents.get(at)) at = up;
    return at;
  }
}

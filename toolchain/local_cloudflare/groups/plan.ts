// Divides Workers and resources into groups: those that are bound together share a process, and no others do.

import type { Account } from '../state/account.ts';
import { splitNode } from '../state/nodes.ts';
import type { Queue } from '../state/records.ts';
import { linkedNode } from './bindings.ts';

export interface Plan {
  /** The key of the group, which is its folder's name, by node. */
  groupOf: Map<string, string>;
  members: Map<string, string[]>;
}

export function planGroups(account: Account): Plan {
  const sets = new DisjointSets();
  for (const node of resources(account)) sets.add(node);
  for (const worker of account.workers.values()) {
    const node = `worker:${worker.name}`;
    sets.add(node);
    for (const { id } of worker.namespaces ?? []) sets.join(node, `do:${id}`);
    for (const binding of account.running(worker).flatMap(({ version }) => version.bindings)) {
      const linked = linkedNode(binding);
      if (linked && exists(account, linked)) sets.join(node, linked);
    }
  }
  for (const queue of account.queues.all())
    for (const receiver of receivers(queue))
      if (exists(account, receiver)) sets.join(`queue:${queue.name}`, receiver);
  for (const workflow of account.workflows.values())
    if (account.workers.has(workflow.script_name))
      sets.join(`worker:${workflow.script_name}`, `workflow:${workflow.name}`);
  return toPlan(sets);
}

function* resources(account: Account): Iterable<string> {
  for (const { id } of account.namespaces.all()) yield `kv:${id}`;
  for (const { uuid } of account.databases.all()) yield `d1:${uuid}`;
  for (const { name } of account.buckets.all()) yield `r2:${name}`;
  for (const { name } of account.queues.all()) yield `queue:${name}`;
  for (const name of account.workflows.keys()) yield `workflow:${name}`;
}

/** The nodes that a queue's messages go to. */
function* receivers({ consumer }: Queue): Iterable<string> {
  if (consumer) yield `worker:${consumer.script_name}`;
  if (consumer?.dead_letter_queue) yield `queue:${consumer.dead_letter_queue}`;
}

/** A Worker may have been deleted while others still bind it. */
function exists(account: Account, node: string): boolean {
  const [kind, name] = splitNode(node);
  return kind !== 'worker' || account.workers.has(name);
}

/** A group is named after its first Worker, so that its name stays when resources are added or removed. */
function toPlan(sets: DisjointSets): Plan {
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

class DisjointSets {
  readonly #parents = new Map<string, string>();

  add(node: string): void {
    if (!this.#parents.has(node)) this.#parents.set(node, node);
  }

  join(first: string, second: string): void {
    this.add(first);
    this.add(second);
    this.#parents.set(this.#root(first), this.#root(second));
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
    const parent = this.#parents.get(node);
    return parent === undefined || parent === node ? node : this.#root(parent);
  }
}

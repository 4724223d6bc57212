// Test runs of drafts. Each has a Worker of its own, in an account that nothing else uses: it has its own records, processes
// and resources, and its own copy of the API. A Worker is removed with everything that belongs to it after an hour. When
// the platform starts, all of them are: nothing is left behind, however the platform ended.

import path from 'node:path';
import type { Hono } from 'hono';
import { makeApi } from '../api/api.ts';
import type { Platform } from '../api/context/platform.ts';
import { Groups } from '../groups/groups.ts';
import { pidFileOf } from '../groups/runtime.ts';
import { Instances } from '../instances/instances.ts';
import { Mailbox } from '../mail/mailbox.ts';
import type { Settings } from '../settings.ts';
import { Account } from '../state/account.ts';
import { splitNode } from '../state/nodes.ts';
import { Tokens } from '../state/tokens.ts';
import { listFolder, privateFolder, readText, remove } from '../system/files.ts';
import { type LogLine, Logs } from '../system/logs.ts';
import { killByPidFile } from '../system/processes.ts';
import { Tails } from '../tails/tails.ts';
import { AssetUploads } from '../workers/assets.ts';
import { Permits } from '../workflow_limits/permits.ts';
import { OutboundRequests } from './outbound_requests.ts';
import { routes } from './routes.ts';

const SWEEP_MILLISECONDS = 1000;
const MAX_LOG_LINES = 200;
/** What workerd says about a Worker when it starts. */
const OF_WORKERD = /^service core:/;

export class TestRuns {
  readonly platform: Platform;
  readonly api: Hono;
  readonly requests = new OutboundRequests();
  readonly #folder: string;
  readonly #lifetime: number;
  readonly #onError: (error: Error) => void;
  readonly #removed = new Set<string>();
  #sweep: NodeJS.Timeout | undefined;

  private constructor(folder: string, settings: Settings, onError: (error: Error) => void) {
    this.#folder = folder;
    this.#lifetime = settings.testRunMilliseconds;
    this.#onError = onError;
    this.platform = makePlatform(folder, settings, this.requests);
    this.api = makeApi(this.platform, { onError, extraRoutes: routes(this) });
  }

  static async open(settings: Settings, onError: (error: Error) => void): Promise<TestRuns> {
    const folder = path.join(settings.state, 'test_runs');
    await removeLeftovers(folder);
    const runs = new TestRuns(privateFolder(folder), settings, onError);
    await runs.platform.groups.open();
    runs.#sweep = setInterval(() => runs.#removeExpired(), SWEEP_MILLISECONDS);
    runs.#sweep.unref();
    return runs;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await this.platform.groups.close();
    remove(this.#folder);
  }

  #removeExpired(): void {
    const oldest = new Date(Date.now() - this.#lifetime).toISOString();
    for (const { name, created_on } of this.platform.account.workers.values())
      if (created_on < oldest && !this.#removed.has(name)) void this.remove(name).catch(this.#onError);
  }

  /** What the Worker has logged last, oldest first. */
  logs(worker: string): LogLine[] {
    const group = this.platform.groups.of(`worker:${worker}`);
    const text = group && readText(this.#logFile(group.key));
    const lines = text?.split('\n').filter(Boolean) ?? [];
    const logged: LogLine[] = lines.map((line) => JSON.parse(line));
    return logged.filter(({ message }) => !OF_WORKERD.test(message)).slice(-MAX_LOG_LINES);
  }

  #logFile(key: string): string {
    return path.join(this.#folder, 'logs', `${key}.jsonl`);
  }

  /** Stop the Worker's run, and remove the Worker with its resources, logs and emails. */
  async remove(worker: string): Promise<void> {
    const { account, groups, mailbox } = this.platform;
    const group = groups.of(`worker:${worker}`);
    if (!group) return;
    this.#removed.add(worker);
    const nodes = [...group.nodes];
    await groups.apply({
      change: () => {
        for (const node of nodes) deleteRecord(account, node);
      },
    });
    for (const node of nodes) this.platform.instances.forget(splitNode(node)[1]);
    for (const email of mailbox.all()) if (email.worker === worker) mailbox.remove(email.id);
    remove(path.join(this.#folder, 'groups', group.key));
    remove(this.#logFile(group.key));
    remove(`${this.#logFile(group.key)}.1`);
    this.requests.forget(worker);
    this.#removed.delete(worker);
  }
}

async function removeLeftovers(folder: string): Promise<void> {
  const groups = path.join(folder, 'groups');
  for (const group of listFolder(groups)) await killByPidFile(pidFileOf(path.join(groups, group)));
  remove(folder);
}

function makePlatform(folder: string, settings: Settings, requests: OutboundRequests): Platform {
  const account = new Account(settings.account, path.join(folder, 'account'));
  const tails = new Tails();
  const mailbox = new Mailbox(folder);
  const permits = new Permits(settings.concurrentInstances, () => Infinity);
  const groups = new Groups(
    account,
    { ...settings, state: folder },
    { logs: new Logs(folder), tails, mailbox, permits, onOutbound: requests.receive, hasSingleRuns: true },
  );
  return {
    account,
    groups,
    instances: new Instances(groups, folder),
    tails,
    mailbox,
    tokens: new Tokens(settings.token),
    assetUploads: new AssetUploads(account.assets),
  };
}

function deleteRecord(account: Account, node: string): void {
  const [kind, name] = splitNode(node);
  if (kind === 'worker') account.deleteWorker(name);
  if (kind === 'workflow') account.deleteWorkflow(name);
  if (kind === 'kv') account.namespaces.delete(name);
  if (kind === 'd1') account.databases.delete(name);
  if (kind === 'r2') account.buckets.delete(name);
  if (kind === 'queue') account.queues.delete(name);
}

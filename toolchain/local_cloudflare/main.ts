// The embedded platform: Cloudflare's v4 API on loopback, and the Workers deployed to it, in the real workerd.

import path from 'node:path';
import { makeApi } from './api/api.ts';
import { Groups } from './groups/groups.ts';
import { Instances } from './instances/instances.ts';
import { WorkerProxy } from './routing/proxy.ts';
import { Scheduler } from './schedules/scheduler.ts';
import { listen, portOf } from './server.ts';
import { readSettings, type Settings } from './settings.ts';
import { Account } from './state/account.ts';
import { Tokens } from './state/tokens.ts';
import { privateFolder, remove } from './system/files.ts';
import { Logs } from './system/logs.ts';
import { leaveNote, livingBy } from './system/processes.ts';
import { Tails } from './tails/tails.ts';
import { TestControl } from './test_control/test_control.ts';

const ENDING_MILLISECONDS = 2000;
const POLL_MILLISECONDS = 20;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  await takeFolder(settings);
  const logs = new Logs(settings.state);
  const account = new Account(settings.account, path.join(settings.state, 'account'));
  const tails = new Tails();
  const groups = new Groups(account, settings, logs, tails);
  const scheduler = new Scheduler(account, groups, logs);
  const onFault = (error: Error) => logs.platform(error.stack ?? error.message);
  surviveFaults(onFault);
  endWith(async () => {
    scheduler.close();
    await groups.close();
  });
  await groups.open();
  const instances = new Instances(groups, settings.state);
  const platform = { account, groups, instances, tails, tokens: new Tokens(settings.token) };
  const testControl = settings.testControl ? new TestControl() : undefined;
  const parts = {
    api: makeApi(platform, {
      onFault,
      middleware: testControl?.middleware,
      extraRoutes: testControl?.routes(platform),
    }),
    account,
    tails,
    proxy: new WorkerProxy(groups, scheduler, account),
    onFault,
  };
  const server = await listen(settings.port, parts);
  scheduler.open();
  void groups.resume();
  process.stdout.write(`${JSON.stringify({ ready: true, port: portOf(server) })}\n`);
}

/** Two processes on one folder would each start its Workers. One that is just ending is waited for. */
async function takeFolder({ state }: Settings): Promise<void> {
  process.umask(0o077);
  privateFolder(state);
  const note = path.join(state, 'platform.pid');
  const deadline = Date.now() + ENDING_MILLISECONDS;
  for (let other = livingBy(note); other !== undefined; other = livingBy(note)) {
    if (Date.now() > deadline)
      throw new Error(`Another embedded platform (process ${other}) already runs on ${state}.`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  leaveNote(note);
  useOwnTemporaryFolder(path.join(state, 'tmp'));
}

/** A kill leaves what stands there: the next start clears it. */
function useOwnTemporaryFolder(folder: string): void {
  remove(folder);
  process.env.TMPDIR = privateFolder(folder);
}

/** A fault in one group must not end the others. */
function surviveFaults(onFault: (error: Error) => void): void {
  process.on('unhandledRejection', (reason) => onFault(asError(reason)));
  process.on('uncaughtException', onFault);
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

/** The process that started this one holds its standard input open: when it closes, that process is gone. */
function endWith(close: () => Promise<void>): void {
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    void close().finally(() => process.exit(0));
  };
  process.stdin.on('end', end).on('close', end).on('error', end).resume();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
}

function sentence(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE') return message;
  const port = process.env.LOCAL_CLOUDFLARE_PORT;
  return `Port ${port} is in use: end what listens there, or choose another AWAITSTEP_LOCAL_CLOUDFLARE_PORT.`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${sentence(error)}\n`);
  process.exit(1);
});

// One workerd for one group, through Miniflare.

import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Log, LogLevel, Miniflare, type MiniflareOptions } from 'miniflare';
import { CONTROL, controlWorker, type TailHandler, tailed } from '../control_worker/definition.ts';
import { ApiError } from '../http/errors.ts';
import { privateFolder } from '../system/files.ts';
import type { LogLine } from '../system/logs.ts';
import { endBy, setpriv } from '../system/processes.ts';

process.env.WORKERD_PATH = workerdPath();
process.env.WORKERD_SETPRIV = setpriv();
process.env.MINIFLARE_WORKERD_PATH = path.join(import.meta.dirname, 'workerd.sh');

export type WorkerOptions = MiniflareOptions['workers'][number];

export interface RuntimeSettings {
  folder: string;
  workers: WorkerOptions[];
  /** The bindings of the group's resources, by node. */
  resources: Record<string, object>;
  milliseconds: number;
  onLog: (line: LogLine) => void;
  onTail: TailHandler;
  onRestart: () => void;
}

interface Answer<T> {
  result: T;
  error?: string;
  status: ApiError['status'];
  code?: number;
}

/** The Workers do not start; the message is workerd's own. */
export class StartFailed extends Error {}

export class Runtime {
  readonly port: number;
  readonly #miniflare: Miniflare;
  readonly #secret: string;
  readonly #note: string;

  private constructor(miniflare: Miniflare, port: number, secret: string, note: string) {
    this.#miniflare = miniflare;
    this.port = port;
    this.#secret = secret;
    this.#note = note;
  }

  static async start(settings: RuntimeSettings): Promise<Runtime> {
    const note = noteOf(settings.folder);
    await endBy(note);
    privateFolder(settings.folder);
    const secret = randomBytes(32).toString('hex');
    const said: string[] = [];
    const miniflare = make(settings, secret, note, said);
    try {
      const url = await within(settings.milliseconds, miniflare.ready);
      said.length = 0;
      return new Runtime(miniflare, Number(url.port), secret, note);
    } catch (error) {
      await miniflare.dispose().catch(() => undefined);
      await endBy(note);
      throw new StartFailed(reason(said, error));
    }
  }

  /** The headers that lead a request to the control Worker, and on to one of the group's Workers. */
  get steering(): Record<string, string> {
    return { 'x-control': this.#secret, 'mf-route-override': CONTROL };
  }

  /** Return when workerd is gone. */
  async stop(): Promise<void> {
    await this.#miniflare.dispose().catch(() => undefined);
    await endBy(this.#note);
  }

  /** Ask the control Worker; throws its error, in Cloudflare's form where it has one. */
  async control<T>(node: string, operation: string, options: object = {}): Promise<T> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/`, {
      method: 'POST',
      headers: this.steering,
      body: JSON.stringify({ ...options, node, operation }),
    });
    const { result, error, status, code } = (await answer.json()) as Answer<T>;
    if (error === undefined) return result;
    throw code === undefined ? new Error(error) : new ApiError(status, code, error);
  }
}

export function noteOf(folder: string): string {
  return path.join(folder, 'workerd.pid');
}

function make(settings: RuntimeSettings, secret: string, note: string, said: string[]): Miniflare {
  const options: MiniflareOptions = {
    host: '127.0.0.1',
    port: 0,
    cf: false, // or it asks the internet
    telemetry: { enabled: false },
    enableDevRegistry: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    resourcePersistencePath: settings.folder,
    unsafeTriggerHandlers: true,
    unsafeRuntimeEnv: { WORKERD_NOTE: note },
    unsafeHandleRuntimeRestart: async () => settings.onRestart(),
    handleStructuredLogs: (line: LogLine) => {
      said.push(line.message);
      settings.onLog(line);
    },
    workers: [...settings.workers.map(tailed), controlWorker({ ...settings, secret }) as WorkerOptions],
  };
  return new Miniflare(options);
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `Script startup exceeded the limit of ${milliseconds / 1000} seconds.`;
    timer = setTimeout(() => reject(new Error(message)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What workerd said of the Worker's own code, without the errors that follow from it. */
function reason(said: string[], error: unknown): string {
  const own = said.filter((message) => message.includes('Uncaught'));
  const lines = own.length > 0 ? own : said;
  const text = lines.map((line) => line.replace(/^service core:user:\S+: /, '')).join('\n');
  return text || (error instanceof Error ? error.message : String(error));
}

function workerdPath(): string {
  return createRequire(import.meta.url)('workerd').default;
}

// What the account holds. These records are also what stands on disk.

export type Source = 'api' | 'wrangler' | 'dash';

export interface Binding {
  type: string;
  name: string;
  [setting: string]: unknown;
}

export const isSecret = (binding: Binding): boolean => binding.type === 'secret_text';

export type ModuleType = 'esm' | 'cjs' | 'text' | 'data' | 'wasm' | 'json';

export interface Module {
  name: string;
  type: ModuleType;
  /** Text, or base64 for the types that hold bytes. */
  contents: string;
}

/** All that decides what a Worker does; it never changes. */
export interface Version {
  id: string;
  number: number;
  created_on: string;
  source: Source;
  main_module: string;
  compatibility_date: string;
  compatibility_flags: string[];
  bindings: Binding[];
  modules: Module[];
  annotations: Record<string, string>;
  etag: string;
  limits?: Record<string, unknown>;
  placement?: Record<string, unknown>;
}

export interface VersionSummary {
  id: string;
  number: number;
  created_on: string;
  source: Source;
  annotations: Record<string, string>;
}

export interface Deployment {
  id: string;
  created_on: string;
  source: Source;
  strategy: 'percentage';
  versions: { version_id: string; percentage: number }[];
  annotations: Record<string, string>;
  author_email: string;
}

export interface Schedule {
  cron: string;
  created_on: string;
  modified_on: string;
}

export interface Worker {
  name: string;
  tag: string;
  created_on: string;
  modified_on: string;
  last_deployed_from: Source;
  /** The version that answers requests; empty until one is deployed. */
  live: string;
  /** The secrets of an older version that was made live by force: today's, not its own. */
  live_secrets?: Binding[];
  /** Newest first. */
  versions: VersionSummary[];
  /** Newest first. */
  deployments: Deployment[];
  schedules: Schedule[];
  settings: Record<string, unknown>;
  subdomain: { enabled: boolean; previews_enabled: boolean };
}

export interface WorkflowVersion {
  id: string;
  class_name: string;
  created_on: string;
  modified_on: string;
  workflow_id: string;
  worker_version: string;
  limits?: { steps?: number };
}

export interface Workflow {
  id: string;
  name: string;
  script_name: string;
  class_name: string;
  created_on: string;
  modified_on: string;
  /** Newest first. */
  versions: WorkflowVersion[];
}

export interface Namespace {
  id: string;
  title: string;
}

export interface Database {
  uuid: string;
  name: string;
  created_at: string;
}

export interface QueueSettings {
  delivery_delay: number;
  delivery_paused: boolean;
  message_retention_period: number;
}

export interface ConsumerSettings {
  batch_size?: number;
  max_wait_time_ms?: number;
  max_retries?: number;
  max_concurrency?: number | null;
  retry_delay?: number;
}

/** A Worker that takes a queue's messages; a queue has one at most. */
export interface Consumer {
  consumer_id: string;
  created_on: string;
  script_name: string;
  dead_letter_queue: string;
  settings: ConsumerSettings;
}

export interface Queue {
  id: string;
  name: string;
  created_on: string;
  modified_on: string;
  settings: QueueSettings;
  consumer?: Consumer;
}

export interface Bucket {
  name: string;
  creation_date: string;
}

export interface Zone {
  id: string;
  name: string;
  created_on: string;
}

export interface DnsRecord {
  id: string;
  zone_id: string;
  type: string;
  /** The whole name, with the zone's. */
  name: string;
  content: string;
  proxied: boolean;
  ttl: number;
  comment: string | null;
  tags: string[];
  created_on: string;
  modified_on: string;
  priority?: number;
  data?: unknown;
  /** The Worker whose custom domain made it. */
  worker?: string;
}

/** What a Worker answers of a zone; without a script, what no Worker does. */
export interface Route {
  id: string;
  zone_id: string;
  pattern: string;
  script: string | null;
}

/** A host of which a Worker answers everything. */
export interface Domain {
  id: string;
  zone_id: string;
  hostname: string;
  service: string;
  cert_id: string;
  enabled: boolean;
  previews_enabled: boolean;
}

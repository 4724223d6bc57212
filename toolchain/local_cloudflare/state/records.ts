// The account's records, as they are stored on disk.

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
  /** Text, or base64 for binary types. */
  contents: string;
}

export interface AssetConfig {
  html_handling?: string;
  not_found_handling?: string;
  run_worker_first?: boolean | string[];
  base_path?: string;
  _headers?: string;
  _redirects?: string;
}

/** The static files of a version. */
export interface Assets {
  /** Keys of the store by path. */
  manifest: Record<string, string>;
  config: AssetConfig;
  /** Whether the version also has code. */
  hasWorker: boolean;
}

/** Code, bindings and runtime settings of a Worker. A version never changes. */
export interface Version {
  id: string;
  number: number;
  created_on: string;
  source: Source;
  main_module: string;
  handlers?: string[];
  compatibility_date: string;
  compatibility_flags: string[];
  bindings: Binding[];
  modules: Module[];
  annotations: Record<string, string>;
  etag: string;
  limits?: Record<string, unknown>;
  placement?: Record<string, unknown>;
  assets?: Assets;
}

export interface VersionSummary {
  id: string;
  number: number;
  created_on: string;
  source: Source;
  annotations: Record<string, string>;
}

/** The share of requests that a version serves. */
export interface Share {
  version_id: string;
  percentage: number;
}

export interface Deployment {
  id: string;
  created_on: string;
  source: Source;
  strategy: 'percentage';
  versions: Share[];
  annotations: Record<string, string>;
  author_email: string;
}

export interface Schedule {
  cron: string;
  created_on: string;
  modified_on: string;
}

/** The Durable Objects of one class; their storage belongs to the id, and not to the name of the class. */
export interface ObjectNamespace {
  id: string;
  class_name: string;
  uses_sqlite: boolean;
}

export interface Worker {
  name: string;
  tag: string;
  created_on: string;
  modified_on: string;
  last_deployed_from: Source;
  /** The id of the version that serves requests, or most of them; empty until one is deployed. */
  live: string;
  /** The shares of all live versions, if there are several. */
  split?: Share[];
  /** Set if an older version was forced live: the current secrets, which replace its own. */
  live_secrets?: Binding[];
  /** Newest first. */
  versions: VersionSummary[];
  /** Newest first. */
  deployments: Deployment[];
  schedules: Schedule[];
  /** The Durable Object classes that migrations have created. */
  namespaces?: ObjectNamespace[];
  /** The tag of the last migration. */
  migration_tag?: string;
  settings: Record<string, unknown>;
  subdomain: { enabled: boolean; previews_enabled: boolean };
}

/** How long ended instances are kept, in milliseconds. */
export interface Retention {
  success_retention?: number;
  error_retention?: number;
}

/** Settings of a Workflow that its versions record. */
export interface WorkflowSettings {
  limits?: { steps?: number };
  concurrency?: { limit?: number };
  default_retention?: Retention;
}

export interface WorkflowVersion extends WorkflowSettings {
  id: string;
  class_name: string;
  created_on: string;
  modified_on: string;
  workflow_id: string;
  worker_version: string;
}

export interface Workflow extends WorkflowSettings {
  id: string;
  name: string;
  script_name: string;
  class_name: string;
  created_on: string;
  modified_on: string;
  /** When an instance is created without a request. */
  schedules?: { cron: string }[];
  /** Fixed when the Workflow is created. */
  jurisdiction?: string;
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

/** The Worker that receives a queue's messages; a queue has at most one. */
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
  /** The full name, including the zone's. */
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
  /** The Worker whose custom domain this record belongs to. */
  worker?: string;
}

/** A URL pattern that a Worker serves; without a script, one that no Worker serves. */
export interface Route {
  id: string;
  zone_id: string;
  pattern: string;
  script: string | null;
}

/** A custom domain: a Worker serves all its URLs. */
export interface Domain {
  id: string;
  zone_id: string;
  hostname: string;
  service: string;
  cert_id: string;
  enabled: boolean;
  previews_enabled: boolean;
}

import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';

interface Env {
  BACKUPS: Workflow;
  DB: D1Database;
  BUCKET: R2Bucket;
}

interface Table {
  name: string;
  sql: string;
}

const ROWS_PER_FILE = 1000;

/** Rows that change during the copy can be missed; D1's Time Travel restores a point in time. */
export class BackupWorkflow extends WorkflowEntrypoint<Env> {
  async run(event: Readonly<WorkflowEvent<unknown>>, step: WorkflowStep) {
    // A replayed run gets the same event, so all steps write to the same folder.
    const folder = event.timestamp.toISOString();

    const tables = await step.do('list the tables', async () => {
      const { results } = await this.env.DB.prepare(
        `SELECT name, sql FROM sqlite_master
         WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*' ORDER BY name`,
      ).all<{ name: string; sql: string }>();
      return results;
    });

    const rows: Record<string, number> = {};
    for (const table of tables) rows[table.name] = await this.copy(table, folder, step);

    // Written last, so a folder with this file is complete.
    await step.do('write the list of tables', async () => {
      await this.env.BUCKET.put(`${folder}/tables.json`, JSON.stringify(tables));
    });
    return { folder, rows };
  }

  /** Copy a table page by page; return how many rows it has. */
  private async copy({ name }: Table, folder: string, step: WorkflowStep): Promise<number> {
    const table = `"${name.replaceAll('"', '""')}"`;
    for (let page = 0, total = 0; ; page++) {
      // A step that is done is not repeated, so a failure in page 7 does not copy page 1 again.
      const copied = await step.do(`copy ${name}, page ${page + 1}`, async () => {
        const { results } = await this.env.DB.prepare(`SELECT * FROM ${table} LIMIT ? OFFSET ?`)
          .bind(ROWS_PER_FILE, page * ROWS_PER_FILE)
          .all();
        const lines = results.map((row) => `${JSON.stringify(row)}\n`).join('');
        if (lines) await this.env.BUCKET.put(`${folder}/${name}/${page + 1}.ndjson`, lines);
        return results.length;
      });
      total += copied;
      if (copied < ROWS_PER_FILE) return total;
    }
  }
}

export default {
  // The id depends on the time, so a schedule that fires twice starts one run.
  async scheduled({ scheduledTime }, env): Promise<void> {
    await env.BACKUPS.create({ id: `backup-${scheduledTime}` });
  },
} satisfies ExportedHandler<Env>;

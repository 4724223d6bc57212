"""Projects for the tests of pages, commands and services."""

from __future__ import annotations

from typing import Any

from workflows.documents.projects.files import ProjectFiles
from workflows.models import Workflow
from workflows.projects import import_project

CONFIG = """\
{
  "name": "shop",
  "main": "src/index.ts",
  "compatibility_date": "2025-06-01",
  "workflows": [
    { "name": "orders", "binding": "ORDERS", "class_name": "Orders" },
    { "name": "refunds", "binding": "REFUNDS", "class_name": "Refunds" }
  ],
  "kv_namespaces": [{ "binding": "CACHE" }],
  "vars": { "GREETING": "hello", "LIMITS": { "max": 3 } },
  "triggers": { "crons": ["0 3 * * *"] },
  "observability": { "enabled": true }
}
"""
MAIN = """\
import { WorkflowEntrypoint, WorkflowEvent, WorkflowStep } from "cloudflare:workers";
import { total } from "./money";

interface Env {
  ORDERS: Workflow;
  REFUNDS: Workflow;
  CACHE: KVNamespace;
  GREETING: string;
  LIMITS: { max: number };
}

export class Orders extends WorkflowEntrypoint<Env, { items?: number[] }> {
  async run(event: WorkflowEvent<{ items?: number[] }>, step: WorkflowStep) {
    const sum = await step.do("add up", async () => total(event.payload.items ?? [1]));
    if (sum > this.env.LIMITS.max) {
      await step.do("ask", async () => this.env.GREETING);
    } else {
      await step.do("approve", async () => "approved");
    }
    await step.do("charge", { retries: { limit: 0, delay: 1 } }, async () => {
      if (sum > 100) throw new Error("too expensive");
    });
  }
}

export class Refunds extends WorkflowEntrypoint<Env, unknown> {
  async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
    await step.waitForEvent("wait for the bank", { type: "bank", timeout: "1 hour" });
  }
}

export default {
  async fetch(_request: Request, env: Env): Promise<Response> {
    const instance = await env.ORDERS.create();
    return Response.json({ id: instance.id });
  },
};
"""
MONEY = """\
export function total(items: number[]): number {
  return items.reduce((sum, each) => sum + each, 0);
}
"""
LOGO = {"base64": "iVBORw0KGgr//g=="}
SHOP: ProjectFiles = {
    "wrangler.jsonc": CONFIG,
    "src/index.ts": MAIN,
    "src/money.ts": MONEY,
    "public/logo.png": LOGO,
}


def make_project(files: ProjectFiles | None = None, /, **changes: Any) -> Workflow:
    """A project with two Workflows; `changes` are further files by path, None for none."""
    together = {**(files or SHOP), **changes}
    return import_project({path: file for path, file in together.items() if file is not None})


def line_of(text: str, part: str) -> int:
    """The number of the line of `text` that contains the part."""
    return next(at for at, line in enumerate(text.splitlines(), start=1) if part in line)

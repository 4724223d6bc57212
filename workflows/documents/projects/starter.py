"""The files of an empty project: one Workflow, and a handler that starts it."""

from __future__ import annotations

import json
import re
from typing import Final

from workflows.documents.projects.contents import ProjectFiles
from workflows.ir.deploy.deploy_settings import COMPATIBILITY_DATE

_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")
_MAX_NAME: Final = 54

_INDEX: Final = """\
import { WorkflowEntrypoint, WorkflowEvent, WorkflowStep } from "cloudflare:workers";

interface Env {
  WORKFLOW: Workflow<Params>;
}

interface Params {
  name?: string;
}

export class MyWorkflow extends WorkflowEntrypoint<Env, Params> {
  async run(event: WorkflowEvent<Params>, step: WorkflowStep) {
    return await step.do("greet", async () => `Hello ${event.payload.name ?? "world"}`);
  }
}

export default {
  // Each request starts an instance of the Workflow.
  async fetch(request: Request, env: Env): Promise<Response> {
    const instance = await env.WORKFLOW.create();
    return Response.json({ id: instance.id, status: await instance.status() });
  },
} satisfies ExportedHandler<Env>;
"""
_TSCONFIG: Final = {
    "compilerOptions": {
        "target": "es2024",
        "module": "es2022",
        "moduleResolution": "bundler",
        "lib": ["es2024"],
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
    },
    "include": ["src"],
}


def starter_files(name: str) -> ProjectFiles:
    """Return the files of a new project with this name."""
    own = _NOT_IN_NAMES.sub("-", name.lower()).strip("-")[:_MAX_NAME].strip("-") or "my-workflow"
    config = {
        "name": own,
        "main": "src/index.ts",
        "compatibility_date": COMPATIBILITY_DATE,
        "workflows": [{"name": own, "binding": "WORKFLOW", "class_name": "MyWorkflow"}],
    }
    package = {"name": own, "private": True, "type": "module"}
    return {
        "package.json": _json(package),
        "src/index.ts": _INDEX,
        "tsconfig.json": _json(_TSCONFIG),
        "wrangler.jsonc": _json(config),
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"

"""Projects for tests."""

from __future__ import annotations

STARTER = """\
#:schema node_modules/wrangler/config-schema.json
name = "workflows-starter"
main = "src/index.ts"
compatibility_date = "2024-10-22"

[[workflows]]
# name of your workflow
name = "workflows-starter"
# binding name env.MY_WORKFLOW
binding = "MY_WORKFLOW"
# this is class that extends the Workflow class in src/index.ts
class_name = "MyWorkflow"
"""
FILES = {"wrangler.toml": STARTER, "src/index.ts": "export class MyWorkflow {}\n"}

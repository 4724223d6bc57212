from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.patience import PATIENCE

PROJECT = Path(__file__).resolve().parents[3]
GENERATE = """
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import type_of, with_fields
from workflows.codegen.module.generate import generate
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.nodes.documents import parse_valid

code = "import { a } from 'node:a'; import { b } from 'node:b';\\nreturn [" + ", ".join(
    f"env.NAME_{number}" for number in range(40)
) + "];"
entry = "const fetch = async () => new Response(''); const queue = async () => {};"
settings = ModuleSettings(
    class_name="W",
    workflow_binding="WORKFLOW",
    entry_code=entry + " export { queue, fetch }; export const scheduled = () => {};",
)
secrets = {f"k{n}": {"type": "secret", "envVarName": f"KEY_{n}"} for n in range(20)}
template = "import { a as b } from 'node:c'; export default async (ctx) => [ctx.env.X, ctx.env.Y, b];"
types = type_of(with_fields(**secrets), template)
nodes = [*(node(f"n{i}", code=code) for i in range(20)), node("own", "greet")]
module = generate(parse_valid(chain(*nodes), types), settings)
print(module.source, [use.name for use in module.env_uses])
"""


def test_every_process_generates_the_same_program() -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", GENERATE], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]

    assert len({run.communicate(timeout=PATIENCE)[0] for run in runs}) == 1
    assert [run.returncode for run in runs] == [0] * 6

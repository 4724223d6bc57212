from __future__ import annotations

import resource
from pathlib import Path

from tests.support.patience import PATIENCE
from toolchain import process


def test_output_can_be_stored(tmp_path: Path) -> None:
    """PostgreSQL refuses NUL in texts."""
    ended = process.run(
        ["printf", r"a\000b"],
        cwd=tmp_path,
        env=process.environment(home=tmp_path),
        timeout=PATIENCE,
    )

    assert ended.stdout == "a\ufffdb"


def test_a_program_that_crashes_leaves_no_dump_of_its_memory(tmp_path: Path) -> None:
    """It would contain the secrets of a deploy, or those of the Workers of the embedded platform."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        ended = process.run(
            ["sh", "-c", "ulimit -Sc; ulimit -Hc; kill -ABRT $$"],
            cwd=tmp_path,
            env=process.environment(home=tmp_path),
            timeout=PATIENCE,
        )
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)

    assert (ended.stdout, ended.exit_code) == ("0\n0\n", -6)
    assert list(tmp_path.iterdir()) == []

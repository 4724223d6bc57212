from __future__ import annotations

import threading
from pathlib import Path
from uuid import uuid4

from toolchain.private_files import read_or_create


def test_parallel_callers_get_the_same_text(tmp_path: Path) -> None:
    path, start, texts = tmp_path / "keys" / "token", threading.Barrier(8), set()

    def read() -> None:
        start.wait()
        texts.add(read_or_create(path, lambda: str(uuid4())))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert texts == {path.read_text().strip()}
    assert [file.name for file in path.parent.iterdir()] == ["token"]
    assert path.stat().st_mode & 0o777 == 0o600

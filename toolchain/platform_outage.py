"""Whether the embedded platform has stopped: written by its supervisor, read by pages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from toolchain.embedded_platform import state_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """The platform has not been running since then; a final outage is not followed by a restart."""

    since: datetime
    is_final: bool


def report(data_dir: Path, outage: Outage) -> None:
    """Let pages show the outage."""
    text = json.dumps({"since": outage.since.isoformat(), "is_final": outage.is_final})
    path = _path(data_dir)
    new = path.with_suffix(".new")
    new.write_text(text, "utf-8")
    new.replace(path)


def clear(data_dir: Path) -> None:
    """Clear the outage: the platform is running, or nobody watches it anymore."""
    _path(data_dir).unlink(missing_ok=True)


def current(data_dir: Path) -> Outage | None:
    """Return the outage that was reported; None if there is none."""
    try:
        stored = json.loads(_path(data_dir).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Outage(since=datetime.fromisoformat(stored["since"]), is_final=stored["is_final"])


def changed_at(data_dir: Path) -> int:
    """Return a number that changes whenever an outage is reported, and 0 while there is none."""
    try:
        return _path(data_dir).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _path(data_dir: Path) -> Path:
    return state_folder(data_dir) / "outage.json"

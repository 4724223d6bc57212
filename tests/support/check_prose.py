"""Look for phrases that plain English avoids, in docs, templates, comments and texts: part of `make check`."""

from __future__ import annotations

import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
CHECKED: Final = [
    "README.md",
    "docs",
    "api",
    "audit",
    "bench",
    "awaitstep_site",
    "manage.py",
    "runs",
    "toolchain/*.py",
    "toolchain/local_cloudflare",
    "web/*.py",
    ":(glob)workflows/*.py",
    "workflows/management",
    "workflows/node_types",
    "workflows/picture",
    "workflows/templatetags",
    "tests/api",
    "tests/audit",
    "tests/awaitstep_site",
    "tests/browser",
    "tests/docs",
    "tests/support",
    "tests/toolchain",
    "tests/workflows/management",
    "tests/workflows/node_types",
    "tests/workflows/picture",
]
SUFFIXES: Final = {".html", ".js", ".json", ".md", ".py", ".ts"}
INSTEAD: Final = {
    r"all that it|all that is": "everything that",
    r"anew": "again",
    r"as it is meant": "as intended",
    r"(?<!all\s)at once": "immediately, or at the same time",
    r"beg[au]n|begins? to": "start",
    r"(became|becomes) of": "what happened to, or the outcome of",
    r"(go|goes|going|went) on": "continue",
    r"(hear|hears|heard) of": "learn about, or receive",
    r"(is|are|was|were|be|been) told": "is shown, is reported, or receives",
    r"in turns": "alternating",
    r"(lead|leads) nowhere": "is not found",
    r"mend(s|ed|ing)?": "fix",
    r"(of|to|for|from|with) whom": "who",
    r"(say|says|said|tell|tells|told) of": "say about, or describe",
    r"tells? whether": "return whether",
    r"the one door": "the only place",
    r"trouble(s|d)?": "problem",
    r"[«»]": "quotation marks",
}
PATTERNS: Final = {
    re.compile(rf"(?<!\w)(?:{phrase})(?!\w)".replace(" ", r"\s+"), re.IGNORECASE): instead
    for phrase, instead in INSTEAD.items()
}
TEXT_TOKENS: Final = {
    tokenize.COMMENT,
    tokenize.STRING,
    getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING),  # Python 3.12 and newer
}


def main() -> str | None:
    """Return the findings, one a line; None if there are none."""
    return "\n".join(finding for path in _files() for finding in _findings(path)) or None


def _files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--", *CHECKED]
    listed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    paths = (PROJECT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.suffix in SUFFIXES and path != Path(__file__).resolve()]


def _findings(path: Path) -> Iterator[str]:
    for line, text in _python_texts(path) if path.suffix == ".py" else _whole(path):
        for pattern, instead in PATTERNS.items():
            for match in pattern.finditer(text):
                at = line + text[: match.start()].count("\n")
                yield f"{path.relative_to(PROJECT)}:{at}: {match.group()!r}, better: {instead}"


def _whole(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the whole file as the text that starts on line 1."""
    yield 1, path.read_text(encoding="utf-8")


def _python_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the comments and strings of a module, each with the number of its first line."""
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type in TEXT_TOKENS:
                yield token.start[0], token.string


if __name__ == "__main__":
    sys.exit(main())

"""Find phrases and names that plain English avoids: part of `make check`.

It reads documentation, templates, the comments and strings of code, and the names of tests. It also
finds vague Python names.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[3]
CHECKED: Final = [
    ".",
    ":!*/package*.json",
    ":!tests/support/checks/prose.py",
]
TEXT_FILES: Final = re.compile(r".*\.(?:cjs|css|html|js|json|md|mjs|py|sh|toml|ts)|Makefile")
INSTEAD: Final = {
    r"(None|\"\") where": "if",
    r"all that it|all that is": "everything that",
    r"all the same": "still, or nevertheless",
    r"again and again": "repeatedly, or keeps ...ing",
    r"also if": "even if",
    r"and names (it|them)": "and the message names",
    r"anew": "again",
    r"(an?|the) own": "its own, or name the owner",
    r"any more(?! \w)": "no longer",
    r"as it is meant": "as intended",
    r"(?<!all\s)at once": "immediately, or at the same time",
    r"beg[au]n|begins? to": "start",
    r"at (its|the) first (attempt|start)": "on",
    r"by (our|the) records?": "according to the record",
    r"cannot be asked": "is unreachable",
    r"(did|does|do) not answer(?! the wait)": "not respond",
    r"(became|becomes) of": "what happened to, or the outcome of",
    r"(go|goes|going|went) on": "continue",
    r"for certain": "certainly, or only one way",
    r"for ever": "forever",
    r"further ones": "additional, or more",
    r"grav(e|er|est)": "severe",
    r"(hear|hears|heard) of": "learn about, or receive",
    r"(is|are|was|were|be|been) told": "is shown, is reported, or receives",
    r"in turns": "alternating",
    r"in vain": "without result",
    r"(?<!there\s)(is|are) no(?! longer| more| less)": "is not a",
    r"(lead|leads) nowhere": "is not found",
    r"(lead|leads) out of": "points outside of",
    r"line ends?(?! (at|in|only|with))": "line ending",
    r"longest ago": "least recently",
    r"lower-case": "lowercase",
    r"\w+ed meanwhile": "in the meantime",
    r"mend(s|ed|ing)?": "fix",
    r"(of|to|for|from|with) whom": "who",
    r"(say|says|said|tell|tells|told) of": "say about, or describe",
    r"on the audit trail": "in the audit trail",
    r"past the form": "not by the form",
    r"problems? of (a|the) document": "in a document",
    r"recognis\w*": "recogniz-",
    r"stands? (behind|beside)": "is after, or is next to",
    r"so many seconds": "the name of the parameter",
    r"tells? whether": "return whether",
    r"there already (is|are)": "there is already",
    r"the one door": "the only place",
    r"the way of an?": "how it works",
    r"that (is|are) none": "invalid",
    r"the next try": "the next attempt",
    r"there and back": "in both directions",
    r"trouble(s|d)?": "problem",
    r"vanish(es|ed)?": "disappear",
    r"whoever": "someone who",
    r"without end": "endlessly",
    r"(\w+ytes|[KM]B|characters|seconds) together": "in total",
    r"[«»]": "quotation marks",
}
VAGUE_NAMES: Final = {"asked", "meant", "mine", "told", "wanted"}
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
    return [path for path in paths if TEXT_FILES.fullmatch(path.name) and path.exists()]


def _findings(path: Path) -> Iterator[str]:
    for line, finding in (
        _python(path) if path.suffix == ".py" else _phrases(path.read_text("utf-8"))
    ):
        yield f"{path.relative_to(PROJECT)}:{line}: {finding}"


def _python(path: Path) -> Iterator[tuple[int, str]]:
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type in TEXT_TOKENS:
                yield from _phrases(token.string, first_line=token.start[0])
            elif token.type == tokenize.NAME and token.string in VAGUE_NAMES:
                yield token.start[0], f"the name {token.string!r} says little; name the value"
            elif token.type == tokenize.NAME and token.string.startswith("test_"):
                yield from _phrases(token.string.replace("_", " "), first_line=token.start[0])


def _phrases(text: str, *, first_line: int = 1) -> Iterator[tuple[int, str]]:
    for pattern, instead in PATTERNS.items():
        for match in pattern.finditer(text):
            line = first_line + text[: match.start()].count("\n")
            yield line, f"{match.group()!r}, better: {instead}"


if __name__ == "__main__":
    sys.exit(main())

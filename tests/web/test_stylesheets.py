"""One file defines every color, space and text size, with enough contrast in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "web" / "static"
TOKENS = STATIC / "awaitstep" / "styles" / "tokens.css"
FILES = sorted(path for path in STATIC.rglob("*.css") if path != TOKENS)
COLOR = re.compile(
    r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|color-mix)\("
    r"|\b(?:white|black|red|green|blue|grey|gray|orange|yellow)\b",
    re.IGNORECASE,
)
LENGTH = re.compile(r"(?<![\w.-])-?\d*\.?\d+(?:px|rem|em|pt|m?s)\b")
MEASURED = re.compile(
    r"(?:margin|padding|gap|row-gap|column-gap|font|font-size|line-height|border|border-(?!color)[a-z-]+"
    r"|outline|outline-offset|box-shadow|letter-spacing|transition|animation|scroll-margin)[a-z-]*"
)
NUMBER = re.compile(r"\d*\.?\d+")
STATUSES = ["good", "bad", "warn", "busy", "quiet"]
TEXTS = [
    *((f"--as-{status}", f"--as-{status}-surface") for status in STATUSES),
    *((f"--as-{status}", "--as-grey-1") for status in STATUSES),
    ("--as-grey-6", "--as-grey-1"),
    ("--as-grey-6", "--as-grey-3"),
    ("--as-grey-5", "--as-grey-1"),
    ("--as-grey-5", "--as-grey-2"),
    ("--as-accent", "--as-grey-1"),
    ("--as-accent", "--as-grey-2"),
    ("--as-accent-strong", "--as-grey-1"),
    ("--as-on-accent", "--as-accent"),
    ("--as-on-accent", "--as-accent-strong"),
    ("--as-grey-1", "--as-bad"),
]


def declarations(css: str) -> list[tuple[str, str]]:
    """Return the properties and values in a stylesheet."""
    without_comments = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    found = re.findall(r"(?:^|[;{])\s*([\w-]+)\s*:\s*([^;{}]+)(?=[;}])", without_comments)
    return [(name, value.strip()) for name, value in found]


def literals(name: str, value: str) -> list[str]:
    """Return the literals that should be tokens."""
    value = re.sub(r"var\([^)]*\)", "", value)
    found: list[str] = [match.group() for match in COLOR.finditer(value)]
    if MEASURED.fullmatch(name):
        found += LENGTH.findall(value)
    if name == "line-height":
        found += NUMBER.findall(value)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_colors_spaces_and_text_sizes_are_tokens(path: Path) -> None:
    found = [
        f"{name}: {value}"
        for name, value in declarations(path.read_text())
        if literals(name, value)
    ]

    assert found == [], f"{path.name}: name these in tokens.css"


def test_literal_colors_and_sizes_are_found() -> None:
    css = (
        "a { color: #fff; margin: 0 auto; padding: 3px; width: 3px; font: 12px/1.5 x; color: red }"
    )

    wrong = [name for name, value in declarations(css) if literals(name, value)]

    assert wrong == ["color", "padding", "font", "color"]


def test_every_token_that_is_used_exists() -> None:
    names = set(re.findall(r"(--as-[\w-]+):", TOKENS.read_text()))

    for path in [TOKENS, *FILES]:
        used = set(re.findall(r"var\((--as-[\w-]+)", path.read_text()))
        assert used <= names, path.name


def theme(*, is_dark: bool) -> dict[str, str]:
    """Return the colors of a theme by their token."""
    pairs = re.findall(r"(--as-[\w-]+): light-dark\((#\w+), (#\w+)\);", TOKENS.read_text())
    colors = {name: dark if is_dark else light for name, light, dark in pairs}
    return colors | {
        "--as-quiet": colors["--as-grey-5"],
        "--as-quiet-surface": colors["--as-grey-2"],
    }


def luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize("is_dark", [False, True])
def test_text_has_enough_contrast_on_its_surface(is_dark: bool) -> None:  # noqa: FBT001
    colors = theme(is_dark=is_dark)

    ratios = {}
    for text, surface in TEXTS:
        dark, bright = sorted(luminance(colors[name]) for name in (text, surface))
        ratios[text, surface] = (bright + 0.05) / (dark + 0.05)

    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}

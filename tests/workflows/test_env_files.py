"""Names and values in `.env` files, and what is refused in them."""

from __future__ import annotations

import pytest

from workflows.env_files import (
    MAX_LENGTH,
    MAX_VARIABLES,
    InvalidEnvFile,
    looks_secret,
    read_env_file,
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1", {"A": "1"}),
        ("A=1\nB=two words # a comment\n", {"A": "1", "B": "two words"}),
        ("# a comment\n\nA=", {"A": ""}),
        ("export A='x y'", {"A": "x y"}),
        ('A="first\nsecond"', {"A": "first\nsecond"}),
        ('A="a\\nb"', {"A": "a\nb"}),
        ("A=https://example.com/?a=1&b=2", {"A": "https://example.com/?a=1&b=2"}),
        ("A=${HOME}/x", {"A": "${HOME}/x"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ('A="first\r\nsecond\rthird"\r\n', {"A": "first\nsecond\nthird"}),  # as browsers send lines
    ],
)
def test_a_line_sets_a_variable(text: str, values: dict[str, str]) -> None:
    assert read_env_file(text) == values


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", ["The text sets no variables. Write one on each line, such as NAME=value."]),
        ("A=1\n=2", ["Line 2 is not NAME=value."]),
        ("A", ["Line 1: A has no value. Write A= for an empty one."]),
        ("A=1\n\nA=2", ["Line 3: A is already set on line 1."]),
        ("x" * (MAX_LENGTH + 1), ["The text has more than 200,000 characters."]),
    ],
)
def test_a_wrong_line_is_named(text: str, errors: list[str]) -> None:
    with pytest.raises(InvalidEnvFile) as refused:
        read_env_file(text)

    assert refused.value.errors == errors


def test_too_many_variables_are_refused() -> None:
    with pytest.raises(InvalidEnvFile, match="more than 200 variables"):
        read_env_file("\n".join(f"A{at}=1" for at in range(MAX_VARIABLES + 1)))


def test_no_error_repeats_a_value() -> None:
    with pytest.raises(InvalidEnvFile) as refused:
        read_env_file("A='s3cr3t\nB=s3cr3t\nB=s3cr3t s3cr3t\n")

    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("API_KEY", True), ("dbPassword", True), ("STRIPE_SECRET", True), ("API_URL", False)],
)
def test_some_names_suggest_a_secret(name: str, *, expected: bool) -> None:
    assert looks_secret(name) is expected

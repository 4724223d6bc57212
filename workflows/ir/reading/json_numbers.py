"""Numbers in JSON as JavaScript represents them: whole numbers that it would change are detected."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

_EXACT: Final = 2**53  # up to here every whole number is exact
_MAX_DIGITS: Final = 400  # of any number that JavaScript can represent


def read_int(text: str) -> int | float:
    """Return the number in a JSON text; infinity if JavaScript cannot represent it."""
    return int(text) if len(text) <= _MAX_DIGITS else math.inf


def read_float(text: str) -> int | float:
    """Return the number in a JSON text; as a whole number if JavaScript would change it."""
    value = float(text)
    if abs(value) < _EXACT or not math.isfinite(value) or "e" in text.lower():
        return value  # an exponent is for numbers that may be rounded
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() and exact != value else value


def is_exact(value: int) -> bool:
    """Whether JavaScript can represent the whole number exactly."""
    try:
        return abs(value) <= _EXACT or float(value) == value
    except OverflowError:
        return False

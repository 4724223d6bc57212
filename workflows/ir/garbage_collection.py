"""Puts off the collection of garbage while a large tree of values is built."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def without_garbage_collection(build: Callable[_P, _T]) -> Callable[_P, _T]:
    """Have Python look for cycles when this has ended: it makes none, and keeps all that it makes.

    Each look would go through everything that stands by then, so that twice the nodes would take more
    than twice the time. What is no longer used is freed at once, as ever.
    """

    @wraps(build)
    def built(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        if not gc.isenabled():
            return build(*args, **kwargs)
        gc.disable()
        try:
            return build(*args, **kwargs)
        finally:
            gc.enable()

    return built

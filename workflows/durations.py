"""How long something took, in words that keep two units."""

from __future__ import annotations


def duration_words(seconds: float) -> str:
    """Say how long something took: "12 ms", "1.4 s", "2 m 05 s", "1 h 02 m"."""
    if seconds < 0.095:
        return f"{max(round(seconds * 1000), 0)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if seconds < 3599.5:
        return "{} m {:02} s".format(*divmod(round(seconds), 60))
    return "{} h {:02} m".format(*divmod(round(seconds / 60), 60))

"""What every line of the log says about its request."""

from __future__ import annotations

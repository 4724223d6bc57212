"""Forms for the settings of one node or trigger, generated from the declared fields."""

from __future__ import annotations

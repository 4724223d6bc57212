"""Forms for the settings of one node or trigger, made from the declarations of its fields."""

from __future__ import annotations

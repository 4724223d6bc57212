"""From a valid document to one TypeScript module that a person would be glad to own."""

from __future__ import annotations

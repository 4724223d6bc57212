"""All checks of a document, and warnings about Cloudflare's limits."""

from __future__ import annotations

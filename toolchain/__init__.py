"""The programs behind a deploy: Node.js, npm, wrangler, and the embedded platform."""

from __future__ import annotations

"""How a workflow is deployed: deploy settings and route patterns."""

from __future__ import annotations

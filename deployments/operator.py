"""Who asks where nobody has logged in: of deployments and runs as of everything else."""

from __future__ import annotations

from audit.operator import operator

__all__ = ["operator"]

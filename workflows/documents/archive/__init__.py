"""Archives of workflows: a zip file with a folder for each workflow, which imports again unchanged."""

from __future__ import annotations

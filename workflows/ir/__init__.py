"""The document (IR): what it may contain, what is wrong with it, and the tree that it means."""

from __future__ import annotations

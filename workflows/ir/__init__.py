"""The workflow document (IR): how it is read, validated and turned into a tree."""

from __future__ import annotations

"""Completion, hover and problems in code fields, from the compiler's own language server.

A browser speaks the language server protocol about virtual documents, one for each field. Here they
are parts of the generated module of the draft, which is the only document of the language server.
"""

from __future__ import annotations

"""Completion, hover and problems in code fields, from the compiler's own language server.

A browser uses the Language Server Protocol with virtual documents, one for each field. Internally,
fields are parts of the draft's generated module, which is the language server's only document.
The files of a project are documents on both sides.
"""

from __future__ import annotations

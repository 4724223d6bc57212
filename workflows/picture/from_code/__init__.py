"""The picture of a workflow whose source is code: read from a `WorkflowEntrypoint` class, and the states of its runs.

Nothing is executed. `reading` reads the class in a separate process; `structure` makes a document of it that
the rest of `workflows.picture` draws as it draws any other.
"""

from __future__ import annotations

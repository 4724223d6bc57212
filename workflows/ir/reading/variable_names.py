"""How the names of environment variables are written, as those of all that `env` holds."""

from __future__ import annotations

import re
from typing import Final

VARIABLE_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")

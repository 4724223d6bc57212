"""Choosing one of many workflows by typing a part of its name, or its id."""

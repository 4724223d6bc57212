"""What a deploy of a draft would use: its code and its variables, to be read on pages."""

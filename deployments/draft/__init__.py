"""What a deploy of a draft would use: its code and its variables, for pages that show them."""

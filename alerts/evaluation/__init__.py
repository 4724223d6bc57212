"""Which rules fire and which alerts are resolved: facts from the database, and decisions about them."""

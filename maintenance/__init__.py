"""Keeping an installation for years: backup and restore, and the removal of old rows."""

"""Backups: a zip file with a manifest and the database, without keys."""

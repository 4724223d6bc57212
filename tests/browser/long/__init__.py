"""Tests that take minutes: `make test-long` collects them, `make test` does not."""

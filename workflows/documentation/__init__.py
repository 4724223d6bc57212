"""The documentation inside the product: the Markdown files under `docs/` as pages, and a search."""

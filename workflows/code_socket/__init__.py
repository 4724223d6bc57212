"""The WebSocket that connects the code fields of a page with the language server of their draft."""

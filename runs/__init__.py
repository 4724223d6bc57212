"""Runs of deployed workflows: their index, pages, commands and live logs."""

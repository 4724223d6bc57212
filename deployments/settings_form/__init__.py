"""The deploy settings as a form, with a preview."""

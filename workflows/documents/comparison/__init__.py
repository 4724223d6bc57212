"""What differs between two versions of a workflow: nodes, fields, lines, and marks in pictures.

It knows documents and other JSON values, not the database.
"""

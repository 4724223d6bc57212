"""The packages that the product is made of: their hashes, their licenses and a bill of materials.

It reads the lock files of a checkout, and is not part of the wheel.
"""

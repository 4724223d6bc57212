"""Checks of a target: is its token active, for which account, with which permissions?"""

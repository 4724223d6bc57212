"""The keys in addresses: numbers that a database can hold; any other address leads nowhere."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import IntConverter


class Key(IntConverter):
    regex = "[0-9]{1,18}"


register_converter(Key, "key")

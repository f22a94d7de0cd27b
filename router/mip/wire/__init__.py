"""Octets and values: every message and extension of Mobile IPv4, and nothing of what they mean."""

"""roamd: Mobile IPv4 with several care-of addresses at once."""

__version__ = "0.1.0"

"""The version, which packaging and run folders read from here."""

__version__ = "0.2.0"

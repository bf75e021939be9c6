"""The shelf of network parts: small modules and functions, no losses, no systems."""

"""The security headers of every response, which restrict what a browser does with it."""

from collections.abc import Iterable

SECURITY = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
DEFAULTS = {"cache-control": "no-store"}
"""Headers of responses that do not set them themselves."""


def complete(given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add the security headers to those of a response."""
    given = list(given)
    named = SECURITY if any(name == b"cache-control" for name, _ in given) else SECURITY | DEFAULTS
    return given + [(name.encode(), value.encode()) for name, value in named.items()]

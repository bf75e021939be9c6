"""Access control of the server: the Host header, the Origin header and a token.

The list of hosts prevents DNS rebinding (another site's name that is made to resolve to this machine). The Origin check
refuses requests from other sites' pages. Once the server listens beyond this machine, requests also need the token.
"""

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.types import Scope

from condgen.serving.problems import Problem

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,253}))(?::[0-9]{1,5})?")

Headers = Mapping[bytes, list[bytes]]


def headers_of(scope: Scope) -> Headers:
    """All values of every header, by its name in lower case."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found


@dataclass(frozen=True)
class Access:
    """Who may send requests to one server: allowed hosts, allowed origins, and the token, if one is required."""

    hosts: frozenset[str] = LOOPBACK
    any_address: bool = False
    """Whether every IP address is accepted as Host. No DNS lookup is involved, so DNS rebinding cannot use it."""
    origins: frozenset[str] = frozenset()
    """Origins of other sites whose pages may send requests, such as https://example.org."""
    token: str | None = field(default=None, repr=False)
    cookie: str = "condgen"

    def check_host(self, headers: Headers) -> None:
        values = headers.get(b"host", [])
        found = HOST.fullmatch(values[0].decode("latin-1")) if len(values) == 1 else None
        name = (found["v6"] or found["name"]).lower() if found else ""
        if name not in self.hosts and not (self.any_address and _is_address(name)):
            raise Problem(421, "foreign_host", "This server does not accept that Host; see --allow-host.")

    def check_origin(self, headers: Headers) -> None:
        """Raise Problem 403 if a browser sends the request for a page of another site that is not allowed."""
        values = headers.get(b"origin", [])
        own = headers[b"host"][0].decode("latin-1").lower()
        allowed = {f"http://{own}", f"https://{own}", *self.origins}
        if values and (len(values) > 1 or values[0].decode("latin-1").lower() not in allowed):
            raise Problem(403, "foreign_origin", "Pages of other sites may not send requests; see --cors-origin.")

    def foreign(self, headers: Headers) -> str | None:
        """The Origin of a request from an allowed page of another site; None for all other requests."""
        origin = headers.get(b"origin", [b""])[0].decode("latin-1").lower()
        return origin if origin in self.origins else None

    def check_token(self, headers: Headers) -> None:
        if self.token and not any(self._is_token(word) for word in (*self._bearer(headers), *self._cookies(headers))):
            message = "This server requires its token: Authorization: Bearer TOKEN, or /?token=TOKEN in a browser."
            raise Problem(401, "no_token", message, {"www-authenticate": "Bearer"})

    def cookie_for(self, scope: Scope) -> str | None:
        """The Set-Cookie value for a browser that opens /?token=TOKEN with the right token; None otherwise."""
        if not self.token or scope["path"] != "/" or scope["method"] != "GET":
            return None
        try:
            words = parse_qs(scope["query_string"].decode("ascii"), max_num_fields=8).get("token", [])
        except ValueError:
            return None
        if len(words) != 1 or not self._is_token(words[0]):
            return None
        return f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"

    def _is_token(self, word: str) -> bool:
        return self.token is not None and hmac.compare_digest(word.encode("utf-8", "replace"), self.token.encode())

    def _bearer(self, headers: Headers) -> list[str]:
        words = [value.decode("latin-1").split(" ", 1) for value in headers.get(b"authorization", [])]
        return [word[1].strip() for word in words if len(word) == 2 and word[0].lower() == "bearer"]

    def _cookies(self, headers: Headers) -> list[str]:
        found = []
        for value in headers.get(b"cookie", []):
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(self.cookie)
            except CookieError:
                continue
            found += [morsel.value] if morsel else []
        return found


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

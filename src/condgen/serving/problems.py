"""Error responses.

The body is {"error": {"code", "message"}}. It never repeats parts of the request, because a label such as <script>
would otherwise be sent back to a browser.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any


class Problem(Exception):
    """One answer that is an error: an HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})

    @property
    def body(self) -> bytes:
        return json.dumps({"error": {"code": self.code, "message": self.message}}).encode()


def closing(status: int, code: str, message: str) -> Problem:
    """After which the connection is of no more use: what is left of the request was not read."""
    return Problem(status, code, message, {"connection": "close"})


def busy(seconds: int) -> Problem:
    """429: the queue is full. seconds: until it should have room."""
    return Problem(429, "busy", "Too many images wait already; ask again later.", {"retry-after": str(seconds)})


def down() -> Problem:
    """503: there is no model to ask just now."""
    return Problem(503, "no_model", "The model is being started again; ask again in a moment.", {"retry-after": "2"})


def draining() -> Problem:
    headers = {"retry-after": "5", "connection": "close"}
    return Problem(503, "draining", "The server is finishing its work and takes no more.", headers)


OF_STATUS = {
    404: Problem(404, "not_found", "There is nothing at this address; /openapi.json says what there is."),
    405: Problem(405, "method_not_allowed", "This address takes another method; /openapi.json says which."),
}
"""For what the router finds."""


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    known = OF_STATUS.get(status, Problem(status, "bad_request", "The request's body is no JSON that can be read."))
    return Problem(known.status, known.code, known.message, headers)


def of_schema(errors: Sequence[Mapping[str, Any]], fields: set[str]) -> Problem:
    """422, or 400 for what is no JSON at all: where the first mistake is, in our words and names only.

    errors: as pydantic lists them. fields: the names that may be repeated, because they are the schema's own.
    """
    first = errors[0]
    if first["type"] == "json_invalid":
        return of_status(400)
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in fields)
    what = "has a field that is not known" if first["type"] == "extra_forbidden" else first["msg"]
    return Problem(422, "invalid", f"{where or 'body'}: {what}.")

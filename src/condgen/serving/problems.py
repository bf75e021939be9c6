"""Error responses.

The body is {"error": {"code", "message"}}. It never repeats parts of the request, because a label such as <script>
would otherwise be sent back to a browser.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any


class Problem(Exception):
    """An error response: an HTTP status, a code for programs and a message for people."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})

    @property
    def body(self) -> bytes:
        return json.dumps({"error": {"code": self.code, "message": self.message}}).encode()


def closing(status: int, code: str, message: str) -> Problem:
    """An error that closes the connection, because the rest of the request was not read."""
    return Problem(status, code, message, {"connection": "close"})


def busy(seconds: int) -> Problem:
    """429: the queue is full. seconds: estimated time until it has room."""
    return Problem(429, "busy", "The queue is full; try again later.", {"retry-after": str(seconds)})


def down() -> Problem:
    """503: the model process is not running at the moment."""
    return Problem(503, "no_model", "The model is restarting; try again in a moment.", {"retry-after": "2"})


def draining() -> Problem:
    headers = {"retry-after": "5", "connection": "close"}
    return Problem(503, "draining", "The server is stopping and accepts no more requests.", headers)


OF_STATUS = {
    404: Problem(404, "not_found", "No such route; /openapi.json lists the routes."),
    405: Problem(405, "method_not_allowed", "This route does not support the method; /openapi.json lists the methods."),
}
"""Codes and messages for statuses that the framework raises."""


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    known = OF_STATUS.get(status, Problem(status, "bad_request", "The body is not valid JSON."))
    return Problem(known.status, known.code, known.message, headers)


def of_schema(errors: Sequence[Mapping[str, Any]], fields: set[str]) -> Problem:
    """422 for an invalid field, or 400 for a body that is not JSON. The message names the place of the first error.

    errors: as pydantic lists them. fields: names that the message may repeat, because they come from the schema.
    """
    field = errors[0]["loc"][:2]
    # where a field has several types, the error that lies deepest is of the type that was meant
    first = max((error for error in errors if error["loc"][:2] == field), key=lambda error: len(error["loc"]))
    if first["type"] == "json_invalid":
        return of_status(400)
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in fields)
    what = "has an unknown field" if first["type"] == "extra_forbidden" else first["msg"]
    return Problem(422, "invalid", f"{where or 'body'}: {what}.")

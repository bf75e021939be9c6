"""The limits of a server. A request beyond them is refused at once, with a reason."""

from dataclasses import dataclass

PIXELS = 1024 * 64 * 64 * 3
"""Numbers in all images of one answer: 1,024 colour images of 64 x 64, 12 MiB."""


@dataclass(frozen=True)
class Limits:
    """The defaults of `condgen serve`; docs/serving.md says why."""

    body: int = 64 * 1024
    """Bytes of one request's body."""
    headers: int = 16 * 1024
    """Bytes of one request's headers."""
    unsent: int = 64 * 2**20
    """Bytes of responses that clients have not read yet; above it, the client that has read for longest is cut off."""
    taken: int = 64 * 1024
    """Bytes that a client has to read in every `stalled_seconds`, unless fewer are left."""
    connections: int = 256
    micro_batches: int = 3
    """That may wait for the model; more is refused with 429."""
    receipt_seconds: float = 10.0
    """In which a request has to arrive whole."""
    stalled_seconds: float = 10.0
    """In which a client has to read `taken` bytes of a response."""
    idle_seconds: float = 5.0
    """That a connection without a request stays open."""
    request_seconds: float = 30.0
    """In which a request is answered, by 504 at the latest."""
    hang_seconds: float = 10.0
    """In which the model draws one micro-batch, unless its first one showed that it needs longer."""
    start_seconds: float = 300.0
    """In which the model's process is ready."""
    drain_seconds: float = 30.0
    """In which requests in hand are finished after SIGTERM."""
    points: int = 256
    """Points of the latent space in one request."""
    images: int = 1024
    """Images in one request; fewer of large ones (see `of`)."""

    def of(self, pixels: int) -> int:
        """Images in one request, where an image has `pixels` numbers."""
        return max(1, min(self.images, PIXELS // pixels))

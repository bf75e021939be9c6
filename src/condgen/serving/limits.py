"""The limits of a server. A request that exceeds one is refused immediately, with the reason."""

from dataclasses import dataclass, replace

PIXELS = 1024 * 64 * 64 * 3
"""Maximum number of values in all images of a response: 1,024 colour images of 64 x 64, which are 12 MiB."""
CHARACTERS = 24
"""Maximum number of characters of a number in JSON with a comma, such as -0.00012345678806304932."""


@dataclass(frozen=True)
class Limits:
    """Limits of one server, with the defaults of `condgen serve`; docs/serving.md explains them."""

    body: int = 64 * 1024
    """Maximum size of a request's body, in bytes."""
    headers: int = 16 * 1024
    """Maximum size of a request's headers, in bytes."""
    unsent: int = 64 * 2**20
    """Maximum size of unread responses, in bytes. Above it, the client that has read for longest is disconnected."""
    taken: int = 64 * 1024
    """Minimum number of bytes that a client must read in every `stalled_seconds`, unless fewer are left."""
    connections: int = 256
    micro_batches: int = 3
    """Capacity of the queue, in micro-batches; further requests are refused with 429."""
    receipt_seconds: float = 10.0
    """Time in which a request must arrive completely."""
    stalled_seconds: float = 10.0
    """Time in which a client must read `taken` bytes of a response."""
    idle_seconds: float = 5.0
    """Time that an idle connection stays open."""
    request_seconds: float = 30.0
    """Time in which a request must be answered; after it, the response is 504."""
    hang_seconds: float = 10.0
    """Time for one micro-batch; longer if the first micro-batch showed that the model is slower."""
    start_seconds: float = 300.0
    """Time in which the model process must become ready."""
    drain_seconds: float = 30.0
    """Time for the requests in progress after SIGTERM."""
    points: int = 256
    """Maximum number of points of the latent space in a request."""
    images: int = 1024
    """Maximum number of images in a request; fewer if they are large (see `of`)."""

    def with_room_for(self, dim: int) -> "Limits":
        """The same limits, but a body may be as large as one latent vector of this dimension as text."""
        return replace(self, body=max(self.body, CHARACTERS * dim + 4096))

    def of(self, pixels: int) -> int:
        """Maximum number of images in a request if an image has `pixels` values."""
        return max(1, min(self.images, PIXELS // pixels))

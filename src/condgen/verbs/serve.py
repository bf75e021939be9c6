"""`condgen serve`: a page and an HTTP API that draw to order."""

from pathlib import Path
from typing import Any

from condgen.errors import needs
from condgen.options import checked
from condgen.sharing import card, locate


def serve(
    run: str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    best: bool = False,
    device: str = "cpu",
    cors_origin: tuple[str, ...] = (),
    allow_host: tuple[str, ...] = (),
    token_file: Path | None = None,
    **options: Any,
) -> None:
    """Serve a generator to a browser and to programs. Ctrl-C ends it, after what is in hand is answered.

    Args:
        run: A run's folder.
        host: Address to listen at; any but this machine's own wants a token, which is made and shown.
        port: Port to listen at; 0 takes a free one.
        best: The generator of the best evaluation while training, instead of the last.
        device: auto, cpu, cuda, cuda:N or mps.
        cors_origin: A page of another site that may ask, such as https://example.org; may be given several times.
        allow_host: A name that the server is called by, such as images.example.org behind a proxy; several times.
        token_file: Where the token lies, which makes one necessary on this machine too; by default in the cache.
        options: The sampling options of requests that choose none.
    """
    with needs("serve"):
        from condgen.serving import server
    chosen = checked(card.options(locate.find(run, best).card), options)
    server.serve(
        server.ServerSettings(
            run, host, port, best, device, cors_origin, allow_host, token_file, scores(run, best), options=chosen
        )
    )


def scores(run: str, best: bool) -> dict[str, float]:
    """The headline numbers of a run's own evaluation; nothing where there is none."""
    from condgen.metrics import METRICS
    from condgen.verbs import evaluate

    found = evaluate.kept(run, best)
    numbers = evaluate.numbers(found) if found else {}
    return {n: number.value for n, number in numbers.items() if METRICS[n].headline and number.value is not None}

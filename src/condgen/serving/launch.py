"""Starts the server of a run or an export."""

from pathlib import Path
from typing import Any

from condgen import measuring
from condgen.errors import needs
from condgen.metrics import METRICS
from condgen.options import checked
from condgen.sharing import locate


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
    """Serve a generator as a web page and an HTTP API. Ctrl-C finishes the current requests, then stops.

    Args:
        run: Folder of a run or of an export, owner/name on the Hugging Face Hub, or a ready-made generator:
            digits or clothes.
        host: Address to listen on. Addresses other than loopback require a token, which is created and printed.
        port: Port to listen on. 0 selects a free port.
        best: Use the generator with the best evaluation during training instead of the last one.
        device: Device to run on: auto, cpu, cuda, cuda:N or mps.
        cors_origin: Origin of another site whose pages may send requests, such as https://example.org. Repeatable.
        allow_host: Additional host name that requests may use, such as images.example.org behind a proxy. Repeatable.
        token_file: File of the access token; requires the token on loopback addresses too.
            Default, where a token is required: a file in condgen's cache.
        options: Sampling options of requests that give none.
    """
    with needs("serve"):
        from condgen.serving import server
    chosen = checked(locate.find(run, best).card.sampling_options, options)
    server.serve(
        server.ServerSettings(
            run, host, port, best, device, cors_origin, allow_host, token_file, scores(run, best), options=chosen
        )
    )


def scores(run: str, best: bool) -> dict[str, float]:
    """The headline metrics of a run's saved evaluation; empty if there is none."""
    found = measuring.kept(run, best)
    numbers = found.numbers if found else {}
    return {n: number.value for n, number in numbers.items() if METRICS[n].headline and number.value is not None}

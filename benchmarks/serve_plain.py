"""The server that `condgen serve` is compared with, as one writes it first: a handler that draws its own noise, calls
the network and answers.

    python benchmarks/serve_plain.py RUN PORT
"""

import io
import sys

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, Response
from PIL import Image
from pydantic import BaseModel

from condgen import api
from condgen.sampling.forward import to_uint8


def main(run: str, port: int) -> None:
    ours, app = api.load(run), FastAPI()

    class Asked(BaseModel):
        labels: str
        count: int = 1
        seed: int = 0
        format: str = "png"

    @app.post("/sample")
    def sample(request: Asked) -> Response:
        with torch.no_grad():
            source = torch.Generator().manual_seed(request.seed)
            z = torch.randn(request.count, ours.prior.dim, generator=source)
            y = torch.nn.functional.one_hot(torch.tensor([int(request.labels)] * request.count), len(ours.spec.labels))
            generated = to_uint8(ours.net(z, y.float())).numpy()
        buffer = io.BytesIO()
        if request.format == "png":
            Image.fromarray(generated[0, ..., 0] if generated.shape[-1] == 1 else generated[0]).save(buffer, "PNG")
        else:
            np.save(buffer, generated)
        return Response(buffer.getvalue(), media_type="application/octet-stream")

    uvicorn.run(app, port=port, log_level="critical")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""Combines the images of several requests into micro-batches of the model, and returns the results to the requests."""

import asyncio
import contextlib
import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condgen.options import Values
from condgen.serving import problems
from condgen.serving.fair_queue import Job, Rows, Turns
from condgen.serving.model import Down, RunBatch
from condgen.serving.telemetry import Measures

REMEMBERED = 0.9
"""Decay of the running mean of the duration of a micro-batch."""


class Queue:
    """Generates images for concurrent requests. An image does not depend on the other requests."""

    def __init__(self, run_batch: RunBatch, turns: Turns, shape: tuple[int, int, int], measures: Measures) -> None:
        """shape: (height, width, channels) of one image."""
        self.run_batch, self.turns, self.shape, self.measures = run_batch, turns, shape, measures
        self.seconds = 0.0
        self._some = asyncio.Event()

    async def generate(
        self, recipes: list[dict[str, Any]], y: Rows, options: Values | None = None
    ) -> NDArray[np.uint8]:
        """Generate images, uint8 (n, h, w, c), from n latent vectors and n label vectors under sampling options.

        Raises Problem 429 if the queue is full, and 503 if the model fails. A cancelled call is removed from the queue.
        """
        if not self.turns.fits(len(recipes)):
            raise problems.busy(self.retry_after)
        images = np.empty((len(recipes), *self.shape), np.uint8)
        job = Job(recipes, y, images, asyncio.get_running_loop().create_future(), options or {})
        self.turns.add(job)
        self._some.set()
        try:
            await job.done
        finally:
            self.turns.drop(job)
        return images

    @property
    def retry_after(self) -> int:
        """Estimated seconds until the waiting images are generated, at least 1."""
        return max(1, math.ceil(self.turns.images / self.turns.micro_batch * self.seconds))

    async def work(self) -> None:
        """Generate the waiting images, one micro-batch at a time. Runs until it is cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            while batch := self.turns.take():
                await self._generate(batch)

    async def _generate(self, batch: list[tuple[Job, int]]) -> None:
        began = time.monotonic()
        recipes, y = [job.recipes[i] for job, i in batch], np.stack([job.y[i] for job, i in batch])
        try:
            raw = await self.run_batch(recipes, y, batch[0][0].options)
        except Down:
            self._fail()
            return
        seconds = time.monotonic() - began
        self.seconds = seconds if not self.seconds else REMEMBERED * self.seconds + (1 - REMEMBERED) * seconds
        self.measures.generated(len(batch), seconds)
        self._hand_out(batch, np.frombuffer(raw, np.uint8).reshape(len(batch), *self.shape))

    def _hand_out(self, batch: list[tuple[Job, int]], images: NDArray[np.uint8]) -> None:
        for (job, i), image in zip(batch, images, strict=True):
            job.images[i] = image
            job.generated += 1
            if not job.left and not job.done.done():
                job.done.set_result(None)

    def _fail(self) -> None:
        """Fail all waiting requests with 503, because the model is down."""
        for job in list(self.turns.jobs):
            self.turns.drop(job)
            if not job.done.done():
                job.done.set_exception(problems.down())

    @contextlib.asynccontextmanager
    async def working(self) -> "Any":
        """Context manager that runs `work` in the background."""
        task = asyncio.create_task(self.work())
        try:
            yield self
        finally:
            task.cancel()

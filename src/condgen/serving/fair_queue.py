"""Fair scheduling: requests take turns of a few images, so that a large request does not delay small ones."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from condgen.options import Values


class Rows(Protocol):
    """Label vectors, float32 (K,) each: an array, or an object that computes each when it is read."""

    def __getitem__(self, place: int) -> NDArray[np.float32]: ...


@dataclass(eq=False)
class Job:
    """One request for images: how to compute each z (schemas.Point), and the label vectors, n of each."""

    recipes: list[dict[str, Any]]
    y: Rows
    images: NDArray[np.uint8]
    """uint8 (n, h, w, c), filled as images are generated."""
    done: "asyncio.Future[None]"
    options: Values = field(default_factory=dict)
    """A value for each sampling option. All images of a micro-batch have the same options."""
    given: int = 0
    """Number of images that were sent to the model."""
    generated: int = 0
    """Number of images that the model has returned."""

    def __len__(self) -> int:
        return len(self.recipes)

    @property
    def left(self) -> int:
        return len(self) - self.generated


@dataclass
class Turns:
    """The queue of waiting requests. Its capacity is a number of micro-batches.

    A request counts as its number of images, but at most two thirds of a micro-batch, until it is done: since requests
    take turns, a longer one delays the others by no more than that. (If its count fell with every image, more and more
    requests would share the turns, and all of them would wait longer.) The last micro-batch of capacity is reserved for
    small requests, those of one turn, so that a few large requests cannot block all others.

    A turn is a quarter of a micro-batch, so three large requests, the most that fit, leave room for a small one in the
    next micro-batch. The rest of a request is generated in one turn if it is at most half a micro-batch. Otherwise the
    requests of a full queue would end at the same time and leave the next micro-batch half empty.
    """

    micro_batch: int
    micro_batches: int
    jobs: dict[Job, None] = field(default_factory=dict)
    """Requests that are not finished, in order of arrival."""
    waiting: deque[Job] = field(default_factory=deque)
    """Requests with images that were not sent to the model yet; the next one comes first."""

    @property
    def turn(self) -> int:
        """Number of images of one request before the next request has its turn."""
        return max(1, self.micro_batch // 4)

    @property
    def images(self) -> int:
        return sum(job.left for job in self.jobs)

    @property
    def weight(self) -> int:
        return sum(self._weighs(len(job)) for job in self.jobs)

    @property
    def full(self) -> bool:
        return self.weight >= self.micro_batches * self.micro_batch

    def fits(self, images: int) -> bool:
        small = images <= self.turn
        room = (self.micro_batches if small else self.micro_batches - 1) * self.micro_batch
        return self.weight + self._weighs(images) <= room

    def add(self, job: Job) -> None:
        self.jobs[job] = None
        self.waiting.append(job)

    def drop(self, job: Job) -> None:
        """Remove a request, because it is answered or its client has disconnected."""
        self.jobs.pop(job, None)
        if job in self.waiting:
            self.waiting.remove(job)

    def take(self) -> list[tuple[Job, int]]:
        """The next micro-batch, as (job, index of an image) pairs; it takes one turn of each job until it is full.

        It contains only jobs with the same sampling options as the first one; the others keep their place.
        """
        taken: list[tuple[Job, int]] = []
        others: list[Job] = []
        while self.waiting and len(taken) < self.micro_batch:
            job = self.waiting.popleft()
            if taken and job.options != taken[0][0].options:
                others.append(job)
                continue
            left = len(job) - job.given
            turn = left if left <= self.micro_batch // 2 else self.turn
            turn = min(turn, self.micro_batch - len(taken))
            taken += [(job, job.given + i) for i in range(turn)]
            job.given += turn
            if job.given < len(job):
                self.waiting.append(job)
        self.waiting.extendleft(reversed(others))
        return taken

    def _weighs(self, images: int) -> int:
        return min(images, max(1, self.micro_batch * 2 // 3))

"""Fair scheduling: requests take turns of a few images, so that a large request does not delay small ones."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from condgen.options import Values


class Rows(Protocol):
    """Label vectors, float32 (K,) each: an array of them, or one that makes each when it is read."""

    def __getitem__(self, place: int) -> NDArray[np.float32]: ...


@dataclass(eq=False)
class Job:
    """One request's images: n recipes of z (asked.Point) and their n label vectors."""

    recipes: list[dict[str, Any]]
    y: Rows
    images: NDArray[np.uint8]
    """(n, h, w, c), filled as they come."""
    done: "asyncio.Future[None]"
    options: Values = field(default_factory=dict)
    """A value for each sampling option; a micro-batch is generated under those of one request."""
    given: int = 0
    """Images that were handed to the model."""
    generated: int = 0
    """Images that have come back."""

    def __len__(self) -> int:
        return len(self.recipes)

    @property
    def left(self) -> int:
        return len(self) - self.generated


@dataclass
class Turns:
    """The requests that wait, bounded in micro-batches.

    A request weighs as many images as it asks for, two thirds of a micro-batch at most, until it is done: since
    requests take turns, a longer one keeps the others no longer than that. (If it grew lighter with every image, ever
    more requests would share the turns, and all of them would wait longer.) The last micro-batch of room is kept for
    small requests, those of one turn, so that a few large ones cannot shut everybody else out.

    A turn is a quarter of a micro-batch: three large requests, as many as fit, leave room for a small one in the next
    micro-batch. What is left of a request is generated in one turn if it is no more than half a micro-batch. Otherwise
    the requests of a full queue come to their ends together, and leave the next micro-batch half empty.
    """

    micro_batch: int
    micro_batches: int
    jobs: dict[Job, None] = field(default_factory=dict)
    """All that are not finished, in order of arrival."""
    waiting: deque[Job] = field(default_factory=deque)
    """Those that still have images to hand out; the next in turn first."""

    @property
    def turn(self) -> int:
        """Images of one request before it is another's turn, if that does not end it."""
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
        """Forget a request: it is answered, or its client has gone."""
        self.jobs.pop(job, None)
        if job in self.waiting:
            self.waiting.remove(job)

    def take(self) -> list[tuple[Job, int]]:
        """The next micro-batch: jobs and which of their images, a turn of each until it is full.

        All are generated under the sampling options of the job whose turn it is; others keep their place.
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

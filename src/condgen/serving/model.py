"""The model process as the server sees it: it receives micro-batches, is watched, and is restarted when it fails."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condgen.errors import CondgenError
from condgen.options import Values
from condgen.serving import ipc
from condgen.serving.limits import Limits

PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a restart: the first is at once, each failure after it waits longer."""
STEADY_SECONDS = 60.0
"""After which a process is taken to be sound, and the pauses begin anew."""
PULSE_SECONDS = 2.0
"""Between two questions whether an idle process still answers."""

DYING_SECONDS = 2.0
"""That a process which has closed its pipe may take to be gone."""


class Down(Exception):
    """There is no model to ask, or it failed while it was asked."""


class Model:
    """A generator in a process of its own (worker.py)."""

    def __init__(
        self, run: str, *, best: bool = False, device: str = "cpu", options: Values | None = None, limits: Limits
    ) -> None:
        self.command: Sequence[str] = (run, device, "best" if best else "last", json.dumps(options or {}))
        self.limits = limits
        self.ready, self.restarts = False, 0
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._hang_seconds = limits.hang_seconds
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, Any]:
        """What the process says of its generator. Raises CondgenError if it cannot be served."""
        hello = await self._spawn()
        self._keeper = asyncio.create_task(self._keep())
        return hello

    async def draw(self, recipes: list[dict[str, Any]], y: NDArray[np.float32], options: Values) -> bytes:
        """Raw images of at most one micro-batch. Raises Down."""
        return await self._ask({"z": recipes, "options": options}, np.ascontiguousarray(y, np.float32).tobytes())

    async def close(self) -> None:
        if self._keeper:
            self._keeper.cancel()
        await self._end()

    async def _spawn(self) -> dict[str, Any]:
        # -P: otherwise `-m` imports from the working folder first, and a torch.py that lies there would be run.
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "condgen.serving.worker", *self.command,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**20,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            hello, _ = await asyncio.wait_for(ipc.receive(process.stdout), self.limits.start_seconds)
        except (TimeoutError, asyncio.IncompleteReadError):
            await self._end()
            raise CondgenError("the model's process ended, or said nothing, while it was started.") from None
        if "error" in hello:
            await self._end()
            raise CondgenError(hello["error"])
        self._hang_seconds = max(self.limits.hang_seconds, 20 * hello["seconds"])
        self.ready = True
        return hello

    async def _ask(self, head: ipc.Head, payload: bytes = b"") -> bytes:
        async with self._turn:
            process = self._process
            if not self.ready or process is None or process.stdin is None or process.stdout is None:
                raise Down
            try:
                process.stdin.write(ipc.packed(head, payload))
                _, answer = await asyncio.wait_for(ipc.receive(process.stdout), self._hang_seconds)
                return answer
            except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
                self.ready = False
                # One that has not answered in time is ended, lest it answer later, and the wrong question.
                await self._end(0.0 if isinstance(error, TimeoutError) else DYING_SECONDS)
                raise Down from None

    async def _keep(self) -> None:
        """Start the process again whenever it ends, and ask an idle one now and then whether it still answers."""
        failures = 0
        while True:
            began = time.monotonic()
            await self._watch()
            self.ready = False
            failures = 0 if time.monotonic() - began > STEADY_SECONDS else failures
            while not self.ready:
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1
                self.restarts += 1
                with contextlib.suppress(CondgenError, OSError):
                    await self._spawn()

    async def _watch(self) -> None:
        """Until the process has ended, or no longer answers and was killed."""
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait())
        while not ended.done():
            await asyncio.wait({ended}, timeout=PULSE_SECONDS)
            if not ended.done() and not self._turn.locked():
                with contextlib.suppress(Down):
                    await self._ask({})

    async def _end(self, seconds: float = 0.0) -> None:
        """Be rid of the process; one that is dying by itself gets some seconds for it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


Draws = Callable[[list[dict[str, Any]], NDArray[np.float32], Values], Awaitable[bytes]]
"""What the queue asks: `Model.draw`, or anything that answers like it."""

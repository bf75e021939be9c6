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
"""Seconds before each of several consecutive restarts: the first is immediate, the later ones wait longer."""
STEADY_SECONDS = 60.0
"""Running time after which a process counts as stable, and the next restart is immediate again."""
PULSE_SECONDS = 2.0
"""Time between two checks that an idle process responds."""

DYING_SECONDS = 2.0
"""Time for a process to exit after it has closed its pipe."""


class Down(Exception):
    """The model process is not running, or failed during a request."""


class Model:
    """A generator in a separate process (worker.py). Only one message is in progress at a time."""

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
        """Start the process. Returns its description of the generator (`Artist.hello`).

        Raises CondgenError if the generator cannot be served.
        """
        hello = await self._spawn()
        self._keeper = asyncio.create_task(self._keep())
        return hello

    async def generate(self, recipes: list[dict[str, Any]], y: NDArray[np.float32], options: Values) -> bytes:
        """Generate at most one micro-batch. Returns the bytes of uint8 (n, h, w, c). Raises Down."""
        return await self._ask({"z": recipes, "options": options}, np.ascontiguousarray(y, np.float32).tobytes())

    async def close(self) -> None:
        if self._keeper:
            self._keeper.cancel()
        await self._end()

    async def _spawn(self) -> dict[str, Any]:
        # -P: otherwise `-m` imports from the working folder first, so a torch.py in it would be run.
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
                # A process that is too slow is ended, since a late answer would be taken for that of the next request.
                await self._end(0.0 if isinstance(error, TimeoutError) else DYING_SECONDS)
                raise Down from None

    async def _keep(self) -> None:
        """Restart the process whenever it ends or no longer responds."""
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
        """Return when the process has ended; one that does not respond while idle is killed."""
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait())
        while not ended.done():
            await asyncio.wait({ended}, timeout=PULSE_SECONDS)
            if not ended.done() and not self._turn.locked():
                with contextlib.suppress(Down):
                    await self._ask({})

    async def _end(self, seconds: float = 0.0) -> None:
        """End the process: wait `seconds` for it to exit by itself, then kill it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


RunBatch = Callable[[list[dict[str, Any]], NDArray[np.float32], Values], Awaitable[bytes]]
"""Function with which the queue generates a micro-batch: `Model.generate`, or one with the same interface."""

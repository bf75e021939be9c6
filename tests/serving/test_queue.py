"""Turns, bounds, deadlines, and clients that leave: counts that hold whatever the machine's speed."""

import asyncio
import random
from collections import Counter
from collections.abc import MutableMapping
from typing import Any

import numpy as np
import pytest

from condgen.serving.fair_queue import Job, Turns
from condgen.serving.limits import Limits
from serving.stand import Stand, standing, with_stand


def job(images: int) -> Job:
    loop = asyncio.new_event_loop()
    try:
        return Job(
            [{}] * images,
            np.zeros((images, 1), np.float32),
            np.zeros((images, 1), np.uint8),
            loop.create_future(),
        )
    finally:
        loop.close()


@pytest.mark.parametrize("micro_batch", [12, 32])
def test_as_many_large_requests_as_fit_keep_a_small_one_no_longer_than_one_micro_batch(micro_batch: int) -> None:
    turns = Turns(micro_batch, micro_batches=3)
    while turns.fits(1000):
        turns.add(job(1000))
    assert len(turns.take()) == micro_batch  # already being generated
    small = job(1)
    turns.add(small)
    assert (small, 0) in turns.take()


@pytest.mark.parametrize(
    ("images", "filled", "longest"),
    [(1, 1.0, 3), (8, 1.0, 3), (16, 1.0, 2), (10, 0.93, 2), (32, 1.0, 3), (64, 1.0, 6)],
)
def test_full_queues_make_full_micro_batches(images: int, filled: float, longest: int) -> None:
    """Requests of one size, a new one whenever one fits, which comes while a micro-batch is being generated."""
    turns, places, came = Turns(micro_batch=32, micro_batches=3), 0, dict[Job, int]()
    for now in range(101):
        batch = turns.take()
        places += len(batch)
        while turns.fits(images):
            turns.add(new := job(images))
            came[new] = now
        for each, _ in batch:
            each.generated += 1
            if not each.left:
                turns.drop(each)
                assert now - came[each] <= longest, "micro-batches from its arrival to its end"
    assert places >= 100 * 32 * filled


def test_turns_give_every_image_once_and_in_order() -> None:
    turns, dice = Turns(micro_batch=32, micro_batches=3), random.Random(1)
    jobs = [job(dice.choice([1, 2, 40, 100])) for _ in range(30)]
    seen: dict[Job, list[int]] = {each: [] for each in jobs}
    coming = list(jobs)
    while coming or turns.waiting:
        for _ in range(min(len(coming), dice.randrange(5))):
            turns.add(coming.pop())
        batch = turns.take()
        assert len(batch) <= 32
        assert len(batch) == 32 or not turns.waiting, "room was left while somebody waited"
        for each, index in batch:
            seen[each].append(index)
    assert all(indices == list(range(len(each))) for each, indices in seen.items())


def test_shares_of_a_full_micro_batch_are_equal() -> None:
    turns = Turns(micro_batch=32, micro_batches=3)
    jobs = [job(64) for _ in range(4)]
    for each in jobs:
        turns.add(each)
    assert set(Counter(each for each, _ in turns.take()).values()) == {8}


def test_a_few_large_requests_do_not_shut_small_ones_out() -> None:
    turns = Turns(micro_batch=32, micro_batches=3)
    while turns.fits(64):
        turns.add(job(64))
    assert len(turns.jobs) == 3
    assert turns.fits(1)
    while turns.fits(1):
        turns.add(job(1))
    assert turns.full
    assert turns.weight > 95


def test_whoever_fits_nowhere_is_told_when_to_come_back() -> None:
    async def flood() -> None:
        async with standing(seconds=0.01) as stand:
            replies = await asyncio.gather(*(stand.sample("8", seed=i) for i in range(400)))
            counts = Counter(reply.status for reply in replies)
            assert counts[200] + counts[429] == 400
            assert counts[200] >= 96
            assert all(int(reply.header("retry-after")) >= 1 for reply in replies if reply.status == 429)
            assert not stand.guard.queue.turns.jobs
            assert (await stand.sample("8")).status == 200

    asyncio.run(flood())


def test_a_full_queue_answers_before_the_body_is_read() -> None:
    async def check() -> None:
        async with standing(seconds=30.0) as stand:
            waiting = [asyncio.ensure_future(stand.sample("8")) for _ in range(96)]
            while not stand.guard.queue.turns.full:
                await asyncio.sleep(0.01)

            async def receive() -> dict[str, Any]:
                raise AssertionError("the body was read")

            sent: list[MutableMapping[str, Any]] = []

            async def send(message: MutableMapping[str, Any]) -> None:
                sent.append(message)

            headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
            scope = {"type": "http", "method": "POST", "path": "/sample", "query_string": b"", "headers": headers}
            await stand.guard(scope, receive, send)
            assert sent[0]["status"] == 429
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(check())


def test_what_takes_too_long_is_given_up() -> None:
    async def check(stand: Stand) -> None:
        reply = await stand.sample("8")
        assert (reply.status, reply.json["error"]["code"]) == (504, "slow")
        assert not stand.guard.queue.turns.jobs

    with_stand(check, limits=Limits(request_seconds=0.05), seconds=0.3)


@pytest.mark.parametrize("clients", [50, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_client_that_leaves_takes_its_work_along(clients: int) -> None:
    async def check(stand: Stand) -> None:
        dice = random.Random(2)
        body = {"labels": "0-9", "count": 20, "format": "npy"}
        for _ in range(clients // 10):
            leaving = (stand.ask("POST", "/sample", body, leaves=dice.random() * 0.02) for _ in range(10))
            replies = await asyncio.gather(*leaving)
            assert {reply.status for reply in replies} <= {0, 200, 429}
        turns = stand.guard.queue.turns
        assert (len(turns.jobs), len(turns.waiting), stand.guard.state.in_hand) == (0, 0, 0)
        assert len(asyncio.all_tasks()) <= 2
        gone = sum(stand.model.batches)
        assert gone < clients * 200, "images were generated for nobody"
        assert (await stand.sample("8")).status == 200

    with_stand(check, seconds=0.005)


def test_without_a_model_nobody_is_kept_waiting() -> None:
    async def check(stand: Stand) -> None:
        stand.model.broken = True
        replies = await asyncio.gather(*(stand.sample("0-9", count=9, format="npy") for _ in range(3)))
        assert [reply.status for reply in replies] == [503] * 3
        assert all(reply.header("retry-after") for reply in replies)
        stand.model.broken = False
        assert (await stand.sample("8")).status == 200

    with_stand(check, seconds=0.01)

"""The order of the data is a function of (seed, images); every image is seen equally often."""

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from condgen.data import Split
from condgen.data.transparency import cleared, premultiplied
from condgen.labels import Labels
from condgen.sampling.forward import to_uint8
from condgen.stream import Stream
from conftest import KINDS, toy_data


def numbered(n: int, batch: int, seed: int = 0, start: int = 0) -> Stream:
    """A stream of 1x1 images whose class is their place in the data."""
    split = Split(np.zeros((n, 1, 1, 1), np.uint8), np.arange(n))
    return Stream(split, Labels(tuple(map(str, range(n)))), batch, seed, start=start)


def seen(stream: Stream, batches: int) -> list[int]:
    return [int(i) for _, y in islice(stream, batches) for i in y.argmax(1)]


@given(n=st.integers(1, 40), batch=st.integers(1, 50), passes=st.integers(1, 4))
def test_each_pass_shows_every_image_once(n: int, batch: int, passes: int) -> None:
    shown = seen(numbered(n, batch), -(-n * passes // batch))
    for number in range(passes):
        assert sorted(shown[number * n : (number + 1) * n]) == list(range(n))


@given(n=st.integers(1, 30), batch=st.integers(1, 20), skipped=st.integers(0, 20))
def test_a_stream_can_start_at_any_batch(n: int, batch: int, skipped: int) -> None:
    whole = seen(numbered(n, batch), skipped + 3)
    assert seen(numbered(n, batch, start=skipped * batch), 3) == whole[skipped * batch :]


def test_the_order_does_not_depend_on_the_batch_size() -> None:
    assert seen(numbered(10, 3), 10) == seen(numbered(10, 5), 6)


def test_passes_and_seeds_have_orders_of_their_own() -> None:
    shown = seen(numbered(50, 50), 2)
    assert shown[:50] != shown[50:]
    assert shown[:50] != seen(numbered(50, 50, seed=1), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_what_the_contract_says(kind: str) -> None:
    data = toy_data(kind)
    stream = Stream(data.train, data.labels, 16, seed=3)
    x, y = next(stream)
    assert x.shape == (16, *data.spec.shape)
    assert y.shape == (16, len(data.labels))
    assert x.dtype == y.dtype == torch.float32
    assert stream.images == 16
    rows = stream.rows(0, 16).numpy()
    assert torch.equal(y, torch.from_numpy(data.labels.encode(data.train.labels[rows])))
    images = data.train.images[rows]
    seen = ((x + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
    assert torch.equal(seen, torch.from_numpy(premultiplied(images)))
    assert torch.equal(to_uint8(x), torch.from_numpy(cleared(images) if kind == "alpha" else images)), "there and back"


def test_pixels_fill_the_range() -> None:
    split = Split(np.array([0, 255, 127], np.uint8).reshape(3, 1, 1, 1), np.zeros(3, np.int64))
    x, _ = next(Stream(split, Labels(("a",)), 3, seed=0))
    assert sorted(x.flatten().tolist()) == pytest.approx([-1, 127 / 127.5 - 1, 1])


def unbalanced(counts: list[int], batch: int = 7, start: int = 0) -> tuple[Stream, np.ndarray]:
    """A balanced stream of 1x1 images, each with its own grey, and the class of each."""
    labels = np.repeat(np.arange(len(counts)), counts)
    greys = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    names = Labels(tuple(map(str, range(len(counts)))))
    return Stream(Split(greys, labels), names, batch, 0, start=start, balance=True), labels


def rows_of(stream: Stream, batches: int) -> list[int]:
    return [round((float(v) + 1) * 127.5) for x, _ in islice(stream, batches) for v in x.flatten()]


@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=6), passes=st.integers(1, 5))
def test_balanced_passes_hold_each_label_by_the_logarithm_of_its_count(counts: list[int], passes: int) -> None:
    stream, labels = unbalanced(counts, batch=sum(counts))
    exact = sum(counts) * np.log1p(counts) / np.log1p(counts).sum()
    for _ in range(passes):
        found = np.bincount(labels[rows_of(stream, 1)], minlength=len(counts))
        assert np.abs(found - exact).max() < 1 + len(counts) * (exact.min() < 1)
        assert found.min() >= 1


@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=6), passes=st.integers(1, 5))
def test_balanced_images_of_one_label_are_seen_equally_often(counts: list[int], passes: int) -> None:
    stream, labels = unbalanced(counts, batch=sum(counts))
    seen = np.bincount(rows_of(stream, passes), minlength=len(labels))
    assert all(np.ptp(seen[labels == label]) <= 1 for label in range(len(counts)))


@given(batch=st.integers(1, 20), skipped=st.integers(0, 20))
def test_a_balanced_stream_can_start_at_any_batch(batch: int, skipped: int) -> None:
    counts = [20, 3, 1]
    whole = rows_of(unbalanced(counts, batch)[0], skipped + 3)
    assert rows_of(unbalanced(counts, batch, start=skipped * batch)[0], 3) == whole[skipped * batch :]


def test_balance_among_attributes_is_among_their_combinations() -> None:
    labels = np.array([[0, 0]] * 50 + [[1, 0]] * 5 + [[1, 1]])
    split = Split(np.zeros((56, 1, 1, 1), np.uint8), labels)
    _, y = next(Stream(split, Labels(("a", "b"), "attributes"), 56, 0, balance=True))
    exact = 56 * np.log1p([50, 5, 1]) / np.log1p([50, 5, 1]).sum()
    assert abs(int((y[:, 1] == 1).sum()) - exact[2]) < 1


def test_unknown_attributes_are_one_half() -> None:
    split = Split(np.zeros((2, 1, 1, 1), np.uint8), np.array([[1, -1], [0, 1]]))
    _, y = next(Stream(split, Labels(("a", "b"), "attributes"), 2, 0))
    assert sorted(y.tolist()) == [[0, 1], [1, 0.5]]

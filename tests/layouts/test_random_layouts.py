"""Random layouts with a known truth are read right, or asked about; the printed answers work."""

import sys
from collections import Counter
from collections.abc import Callable

import pytest

from condgen.errors import CondgenError
from layouts.judge import outcome, read_with
from layouts.tables import table_layout
from layouts.trees import Layout, layout

KINDS: dict[str, tuple[Callable[[int], Layout], int]] = {"folders": (layout, 2000), "tables": (table_layout, 1000)}


@pytest.mark.parametrize("what", KINDS)
def test_random_layouts_are_read_right_or_asked_about(what: str) -> None:
    """Run with -s to see the table of kinds and outcomes in docs/data.md."""
    (make, count), table, faults = KINDS[what], Counter[tuple[str, str]](), list[str]()
    for seed in range(count):
        found = make(seed)
        result = outcome(found)
        table.update((kind, result if result in ("right", "asked") else "wrong") for kind in ["all", *found.kinds])
        if result not in ("right", "asked"):
            faults.append(f"seed {seed}, {found.kinds}: {result}\n  {found.names[:12]}")
    sys.stdout.write(f"\n| {what} | right | asked | wrong |\n|---|---|---|---|\n")
    for kind in sorted({kind for kind, _ in table}, key=lambda kind: (kind != "all", kind)):
        row = [kind, *(f"{table[kind, result]:,}" for result in ("right", "asked", "wrong"))]
        sys.stdout.write(f"| {' | '.join(row)} |\n")
    assert not faults, "\n".join(faults[:5])


@pytest.mark.parametrize("make", [layout, table_layout])
def test_every_image_is_read_or_named(make: Callable[[int], Layout]) -> None:
    for seed in range(300):
        found = make(seed)
        try:
            read = read_with(found)
        except CondgenError:
            continue
        images = {name for name in found.names if name.lower().endswith((".jpg", ".jpeg", ".png"))}
        assert images == ({*read.images} | {*read.ignored}) & images

"""A heap that is kept for the length of a training, and given back."""

import subprocess
import sys

import pytest

from condgen import heap

PROGRAM = """
from pathlib import Path
import torch
from condgen import heap

def mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

def used_and_freed():
    pieces = [torch.ones(1_000_000) for _ in range(50)]  # 4 MB each

used_and_freed()
before = mb()
with heap.retained():
    used_and_freed()
    inside = mb()
print(before, inside, mb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_it_is_kept_inside_and_given_back_at_the_end() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, inside, after = map(float, told.stdout.split())
    assert inside > before + 150
    assert after < before + 50


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with heap.retained():
        pass

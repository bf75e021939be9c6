"""The training tips of the book, section 8.7: a sentence for each that is broken, none for those that are kept."""

from typing import Any

import pytest
import torch
from torch import nn

from condgen.systems import SYSTEMS
from condgen.training.advice import advice

TIPS = {  # tip 1 batch norm, 2 tanh, 3 LeakyReLU, 4 kernel divisible by stride
    "gan": [], "gan-plain": [1, 3], "cgan-concat": [1], "cgan-multiply": [], "cgan-maxout": [2, 3], "swift": [1, 4],
    "flow": [], "flow-distilled": [], "dcgan": [3], "cdcgan": [3], "cwgan-gp": [], "cwgan-gp-fast": [],
    "acgan": [3, 4], "sngan": [], "biggan": [], "stylegan2": [1, 4], "r3gan": [1], "vae": [], "vae-2d": [], "cvae": [],
}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEMS)
def test_rows_break_the_tips_that_they_break(name: str) -> None:
    with torch.device("meta"):
        said = advice(SYSTEMS[name].build(SYSTEMS[name].source_spec))
    assert [int(sentence[sentence.index("(tip ") + 5]) for sentence in said] == TIPS[name]


def test_an_uneven_kernel_is_named() -> None:
    with torch.device("meta"):
        system: Any = SYSTEMS["dcgan"].build(SYSTEMS["dcgan"].source_spec)
        system.G.body.append(nn.ConvTranspose2d(3, 3, 5, stride=2))
    assert "a kernel size of 5 is not divisible by the stride 2" in advice(system)[-1]

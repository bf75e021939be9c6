"""A copy of a network whose weights are not trained."""

from copy import deepcopy
from typing import TypeVar

from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def frozen(net: Net) -> Net:
    """A copy whose parameters are buffers: part of checkpoints, but of no optimizer. Names and shapes are the same."""
    copy = deepcopy(net)
    for module in copy.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach())
    return copy

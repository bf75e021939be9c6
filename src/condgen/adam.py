"""Adam (Kingma & Ba 2015, arXiv 1412.6980, Algorithm 1), as one fused torch kernel for all parameters.

The results equal those of torch.optim.Adam(fused=True) bit for bit. That class imports torch's compiler when it is
first created, which takes three seconds (docs/LOG.md); this one does not.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

STATE = ("exp_avg", "exp_avg_sq", "step")
"""State per parameter: m, v and t in the paper."""


class Adam:
    """Optimizer for float32 parameters on one device."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(parameters), "lr": lr, "betas": betas, "eps": eps}]
        self.state: dict[int, dict[str, Tensor]] = {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set all gradients to None, regardless of `set_to_none`. Parameters without a gradient are not updated."""
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None

    @torch.no_grad()
    def step(self, skip_if: Tensor | None = None) -> None:
        """Update every parameter that has a gradient, unless `skip_if` is 1. The kernel evaluates `skip_if` on the
        device, without a synchronisation."""
        group = self.param_groups[0]
        updated = {i: p for i, p in enumerate(group["params"]) if p.grad is not None}
        if not updated:
            return
        for i, parameter in updated.items():
            if i not in self.state:
                self.state[i] = initial_state(parameter)
        m, v, t = ([self.state[i][name] for i in updated] for name in STATE)
        torch._foreach_add_(t, 1)
        torch._fused_adam_(
            list(updated.values()), [p.grad for p in updated.values()], m, v, [], t,
            lr=group["lr"], beta1=group["betas"][0], beta2=group["betas"][1], eps=group["eps"],
            weight_decay=0.0, amsgrad=False, maximize=False, grad_scale=None, found_inf=skip_if,
        )  # fmt: skip
        if skip_if is not None:
            torch._foreach_sub_(t, [skip_if] * len(t))  # a skipped step is not counted

    def state_dict(self) -> dict[str, Any]:
        """State by the index of the parameter, in the format of torch's optimizers."""
        settings = {name: value for name, value in self.param_groups[0].items() if name != "params"}
        return {"state": self.state, "param_groups": [settings]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Use the tensors in `state_dict` without a copy. Its hyperparameters are ignored in favour of the Config."""
        self.state = dict(state_dict["state"])


def initial_state(parameter: nn.Parameter) -> dict[str, Tensor]:
    """The state of a parameter before its first update."""
    step = torch.zeros((), device=parameter.device)
    return {"exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter), "step": step}

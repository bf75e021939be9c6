"""Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1), all parameters in one fused kernel of torch.

The same numbers as torch.optim.Adam(fused=True), bit for bit. That class imports torch's compiler when it is first
made, which is three seconds of every training (docs/LOG.md); this one has no use for it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

MEMORY = ("exp_avg", "exp_avg_sq", "step")
"""What is remembered of each parameter: m, v and t of the paper."""


class Adam:
    """An optimizer of float32 parameters that lie on one device."""

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
        """Forget all gradients. They are always set to None: a parameter that gets none is then left alone."""
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None

    @torch.no_grad()
    def step(self, skip_if: Tensor | None = None) -> None:
        """Move every parameter that has a gradient, or none of them if `skip_if` is 1, which the kernel itself looks
        at: nobody waits for a GPU."""
        group = self.param_groups[0]
        moving = {i: p for i, p in enumerate(group["params"]) if p.grad is not None}
        if not moving:
            return
        for i, parameter in moving.items():
            if i not in self.state:
                self.state[i] = begun(parameter)
        m, v, t = ([self.state[i][name] for i in moving] for name in MEMORY)
        torch._foreach_add_(t, 1)
        torch._fused_adam_(
            list(moving.values()), [p.grad for p in moving.values()], m, v, [], t,
            lr=group["lr"], beta1=group["betas"][0], beta2=group["betas"][1], eps=group["eps"],
            weight_decay=0.0, amsgrad=False, maximize=False, grad_scale=None, found_inf=skip_if,
        )  # fmt: skip
        if skip_if is not None:
            torch._foreach_sub_(t, [skip_if] * len(t))  # a move that was left out does not count

    def state_dict(self) -> dict[str, Any]:
        """As torch's optimizers give it: state by the parameter's number."""
        settings = {name: value for name, value in self.param_groups[0].items() if name != "params"}
        return {"state": self.state, "param_groups": [settings]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """state_dict: its tensors are taken, not copied; its settings are ignored, they come from the Config."""
        self.state = dict(state_dict["state"])


def begun(parameter: nn.Parameter) -> dict[str, Tensor]:
    """The memory of a parameter that has not moved yet."""
    step = torch.zeros((), device=parameter.device)
    return {"exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter), "step": step}

"""Checks a system's networks against the GAN training tips of "Python 深度学习: 基于 PyTorch" (2019), section 8.7.

The tips are rules of thumb; the documentation of a preset states why it does not follow one. Only systems with two
players, that is, GANs, are checked.
"""

from collections.abc import Iterator

from torch import nn

from condgen.system import System
from condgen.systems import Preset

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm, nn.LayerNorm)


def advice(system: System, preset: Preset | None = None) -> list[str]:
    """One sentence per tip that the system does not follow.

    preset: the built-in preset from which the system was made. Tips that the preset itself does not follow are left
    out, because its page in the documentation explains why.
    """
    if len(system.players) < 2:
        return []
    found = [*_batch_norm(system), *_range(system), *_activations(system), *_kernels(system)]
    published = advice(preset.build_on_meta()) if preset and preset.built_in else []
    return [sentence for sentence in found if sentence not in published]


def _batch_norm(system: System) -> Iterator[str]:
    if not any(isinstance(layer, NORMS) for layer in system.modules()):
        yield "neither network has batch norm, which stabilises training (tip 1)."


def _range(system: System) -> Iterator[str]:
    activations = [layer for layer in system.generator.modules() if _is_activation(layer)]
    if activations and isinstance(activations[-1], nn.Sigmoid):
        yield "the last activation of the generator is a sigmoid; tanh, with images in [-1, 1], trains better (tip 2)."


def _activations(system: System) -> Iterator[str]:
    """Players are named as in the log."""
    plain = [name for name, player in system.players.items() if any(type(m) is nn.ReLU for m in player.net.modules())]
    if plain:
        yield f"{' and '.join(plain)} uses ReLU; LeakyReLU avoids sparse gradients (tip 3)."


def _kernels(system: System) -> Iterator[str]:
    for layer in system.modules():
        if isinstance(layer, CONVOLUTIONS):
            uneven = [(k, s) for k, s in zip(layer.kernel_size, layer.stride, strict=True) if k % s]
            if uneven:
                kernel, stride = uneven[0]
                yield (
                    f"a kernel size of {kernel} is not divisible by the stride {stride}; expect checkerboard artefacts "
                    "(tip 4)."
                )
                return


def _is_activation(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Sigmoid | nn.Tanh | nn.ReLU | nn.LeakyReLU | nn.Hardtanh | nn.Softsign)

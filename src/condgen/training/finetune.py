"""Fine-tuning: initialise a training with the weights of another run, for other images of the same size or other
labels.

Tensors whose shape does not depend on the labels are copied. The others have one column per label, at the end of one
dimension: columns are matched by the names of the labels, and a new label starts as the mean of all old ones.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from condgen.errors import CondgenError, notice
from condgen.labels import Labels
from condgen.spec import Spec
from condgen.system import System
from condgen.systems import DEFAULT, Preset
from condgen.training import checkpoint
from condgen.training.run import Run, RunConfig, config_in


@dataclass(frozen=True)
class Parent:
    """The run to fine-tune, at its newest checkpoint."""

    identity: RunConfig
    name: str
    """Its folder, number of training images, and hash of its weights."""
    tensors: dict[str, Tensor]

    @classmethod
    def of(cls, folder: str | Path, system: str = DEFAULT) -> "Parent":
        """system: the requested one; the default accepts any. Raises CondgenError if there is no such run."""
        folder = Path(folder).expanduser()
        identity = config_in(folder)
        saved, damaged = checkpoint.newest(Run(folder, identity).checkpoints) if identity else (None, [])
        for sentence in damaged:
            notice(f"{str(folder)!r}: {sentence}")
        if identity is None or saved is None:
            raise CondgenError(f"--finetune {str(folder)!r}: no run with an intact checkpoint there.")
        if system not in (DEFAULT, identity.system):
            raise CondgenError(
                f"{str(folder)!r} is a run of {identity.system}; --finetune cannot train {system} from it."
            )
        tensors = saved.part("system")
        return cls(identity, f"{folder} at {saved.images} images, {_sha(tensors)}", tensors)

    @property
    def spec(self) -> Spec:
        return Spec.from_json(self.identity.spec)

    def check(self, spec: Spec) -> None:
        """Raises CondgenError if the image shape of `spec` differs from that of this run."""
        if spec.shape != self.spec.shape:
            c, h, w = self.spec.shape
            raise CondgenError(
                f"the run to finetune generates images of {w}x{h} with {c} channels, but the data have "
                f"{spec.shape[2]}x{spec.shape[1]} with {spec.shape[0]}; --size scales image files."
            )

    def transfer_to(self, system: System, preset: Preset) -> None:
        """Copy this run's weights to a new system of the same preset. Raises CondgenError if the networks differ."""
        sides = label_sides(preset, system)
        state = system.state_dict()
        for name, fresh in state.items():
            old = self.tensors.get(name)
            if old is None:
                continue  # such as p of adaptive augmentation, which the parent run did not use
            if name in sides:
                old = relabelled(old, sides[name], self.spec.labels, system.spec.labels)
            if old.shape != fresh.shape:
                raise CondgenError(
                    f"{name} has shape {tuple(old.shape)} in the run to finetune and {tuple(fresh.shape)} in this "
                    "training; leave out the settings that change the networks."
                )
            fresh.copy_(old)


def label_sides(preset: Preset, system: System) -> dict[str, int]:
    """For each tensor that grows with the number of labels: its label dimension. Found by adding one label."""
    labels = Labels((*system.spec.labels.names, "\0one more"), system.spec.labels.kind)
    larger = preset.build_on_meta(Spec(system.spec.shape, labels), system.cfg).state_dict()
    found = {}
    for name, tensor in system.state_dict().items():
        grown = [side for side, size in enumerate(tensor.shape) if larger[name].shape[side] != size]
        if grown:
            found[name] = grown[0]
    return found


def relabelled(old: Tensor, side: int, before: Labels, now: Labels) -> Tensor:
    """A tensor for the labels `now`: the last columns along a dimension, one per label, reordered and extended."""
    rest, columns = old.split([old.shape[side] - len(before), len(before)], side)
    mean = columns.mean(side, keepdim=True)
    known = {name: columns.narrow(side, number, 1) for number, name in enumerate(before.names)}
    return torch.cat([rest, *(known.get(name, mean) for name in now.names)], side)


def _sha(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]

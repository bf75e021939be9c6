"""The one table: a row's name -> the class that plays it and the settings that make it that row.

Rows name their class by path, so that listing them needs no torch; `system` imports it when the row is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from condgen.errors import unknown
from condgen.labels import Labels
from condgen.spec import Spec

if TYPE_CHECKING:
    from condgen.config import Config
    from condgen.system import System

DIGITS = Spec((1, 28, 28), Labels(tuple("0123456789")))
"""The pictures that the source documents train on, for which their parameter counts hold."""


@dataclass(frozen=True)
class Preset:
    """One system as users name it."""

    path: str
    """module:class, the module also holding `Config`."""
    summary: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Where this row differs from the defaults of its `Config`."""
    source_spec: Spec = DIGITS
    """The pictures of its source document."""

    @property
    def system(self) -> "type[System]":
        found: type[System] = resolve_name(self.path)
        return found

    @property
    def config(self) -> "Config":
        defaults: Config = resolve_name(self.path.split(":")[0] + ":Config")()
        return defaults.with_overrides(self.settings)

    def build(self, spec: Spec, config: "Config | None" = None) -> "System":
        """A freshly initialised system for pictures like `spec`; weights come from torch's own generator.

        Convolutions keep channels last in memory, which is a tenth faster on two cores (docs/LOG.md).
        """
        import torch

        built = self.system(spec, config or self.config)
        return built.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def build_on_meta(self, spec: Spec | None = None, config: "Config | None" = None) -> "System":
        """The same without numbers, at once and in no memory: for shapes, counts, and sizes that are refused."""
        import torch

        from condgen.nets.skip_init import SkipInit

        with torch.device("meta"), SkipInit():
            return self.build(spec or self.source_spec, config)


FACES = Spec((3, 64, 64), Labels(("not Blond_Hair", "Blond_Hair")))
"""CelebA as the documents on convolutional systems see it."""

GAN, DCGAN = "condgen.systems.gan:GAN", "condgen.systems.dcgan:DCGAN"
CWGAN = "condgen.systems.cwgan_gp:CWGANGP"
SWIFT = "condgen.systems.swift:Swift"
CGAN, VAE = "condgen.systems.cgan:CGAN", "condgen.systems.vae:VAE"
KERAS = {"adam_eps": 1e-7, "fake_labels": "data"}  # of the tutorials written in Keras

SYSTEMS: dict[str, Preset] = {
    "gan": Preset(GAN, "GAN, fully connected, batch norm in the generator; takes no label"),
    "gan-plain": Preset(
        GAN,
        "GAN, fully connected, as small as they come; takes no label",
        {"architecture": "plain", "z_dim": 64, "images": 12_000_000, "beta1": 0.9, "adam_eps": 1e-8},
    ),
    "cgan-concat": Preset(CGAN, "conditional GAN: label embedding beside noise and picture"),
    "cgan-multiply": Preset(
        CGAN,
        "conditional GAN: label embedding times noise and picture",
        KERAS | {"architecture": "multiply", "batch": 32, "images": 640_000, "lr_g": 2e-4},
    ),
    "cgan-maxout": Preset(
        CGAN,
        "conditional GAN: the paper's networks, maxout discriminator",
        KERAS
        | {"architecture": "maxout", "batch": 100, "images": 1_000_000, "dropout": 0.5, "lr_g": 3e-3, "lr_d": 1e-3},
    ),
    "swift": Preset(SWIFT, "relativistic GAN on patches: the most in a minute; label in G, projected in D"),
    "dcgan": Preset(DCGAN, "convolutional GAN; takes no label", source_spec=FACES),
    "cdcgan": Preset(
        DCGAN, "convolutional GAN: label beside noise, label planes beside picture", {"conditional": True}
    ),
    "cwgan-gp": Preset(
        CWGAN, "convolutional Wasserstein GAN with gradient penalty: labels as in cdcgan", source_spec=FACES
    ),
    "vae": Preset(VAE, "variational autoencoder; takes no label"),
    "vae-2d": Preset(VAE, "the same with a z of two numbers, to look at", {"z_dim": 2}),
    "cvae": Preset(VAE, "variational autoencoder with the label joined to both halves", {"conditional": True}),
}

DEFAULT = "swift"
"""Trained when no system is named: the best row after one minute (docs/leaderboard/mnist.md)."""


def preset(name: str) -> Preset:
    """A row by name; an unknown one is an error that names the nearest."""
    if name not in SYSTEMS:
        raise unknown("system", name, SYSTEMS)
    return SYSTEMS[name]

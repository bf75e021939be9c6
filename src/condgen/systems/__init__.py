"""The table of presets: the name of a system -> the class that implements it and the settings of this variant.

A preset refers to its class by path, so that listing presets does not import torch; the class is imported on first use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from condgen import plugins
from condgen.errors import CondgenError, did_you_mean
from condgen.labels import Labels
from condgen.spec import Spec

if TYPE_CHECKING:
    from condgen.config import Config
    from condgen.system import System

DIGITS = Spec((1, 28, 28), Labels(tuple("0123456789")))
"""MNIST, as most of the source documents use it; their parameter counts hold for images of this shape."""


@dataclass(frozen=True)
class Preset:
    """One named variant of a system."""

    path: str
    """module:class; the module also contains `Config`."""
    summary: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The fields in which this preset differs from the defaults of its `Config`."""
    source_spec: Spec = DIGITS
    """Image shape and labels in the source document."""
    conditional: bool = True
    """Whether the generator uses the label."""
    built_in: bool = True

    @property
    def system(self) -> "type[System]":
        """The class. Raises CondgenError if a package from outside does not have it."""
        from condgen.system import System

        found: Any = plugins.resolved(self.path)
        if not (isinstance(found, type) and issubclass(found, System)):
            raise CondgenError(f"{self.path!r} is not a subclass of condgen.system.System.")
        return found

    @property
    def config(self) -> "Config":
        if not self.built_in:
            _ = self.system  # what is no system is refused as such
        defaults: Config = plugins.resolved(self.path.split(":")[0] + ":Config")()
        return defaults.with_overrides(self.settings)

    def build(self, spec: Spec, config: "Config | None" = None) -> "System":
        """A newly initialised system for images like `spec`. The weights come from torch's global generator.

        Convolutions use the channels-last memory format, which is 10 % faster on two cores (docs/LOG.md).
        """
        import torch

        built = self.system(spec, config or self.config)
        return built.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def build_on_meta(self, spec: Spec | None = None, config: "Config | None" = None) -> "System":
        """The same system on torch's meta device: no memory is allocated and no weights are initialised.

        Used for shapes, parameter counts, and to reject image sizes that a system does not support.
        """
        import torch

        from condgen.nets.skip_init import SkipInit

        with torch.device("meta"), SkipInit():
            return self.build(spec or self.source_spec, config)


FACES = Spec((3, 64, 64), Labels(("not Blond_Hair", "Blond_Hair")))
"""CelebA with one attribute, as the source documents of the convolutional systems use it."""

CIFAR = Spec(
    (3, 32, 32),
    Labels(("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")),
)
"""CIFAR-10, for which the papers of the residual systems give their networks."""

GAN, DCGAN = "condgen.systems.gan:GAN", "condgen.systems.dcgan:DCGAN"
CWGAN = "condgen.systems.cwgan_gp:CWGANGP"
SWIFT = "condgen.systems.swift:Swift"
ACGAN, SNGAN = "condgen.systems.acgan:ACGAN", "condgen.systems.sngan:SNGAN"
BIGGAN, R3GAN = "condgen.systems.biggan:BigGAN", "condgen.systems.r3gan:R3GAN"
STYLEGAN2 = "condgen.systems.stylegan2:StyleGAN2"
CGAN, VAE = "condgen.systems.cgan:CGAN", "condgen.systems.vae:VAE"
FLOW = "condgen.systems.flow:Flow"
DISTILLED = "condgen.systems.flow_distilled:FlowDistilled"
KERAS = {"adam_eps": 1e-7, "fake_labels": "data"}  # settings of the tutorials written in Keras

SYSTEMS: dict[str, Preset] = {
    "gan": Preset(GAN, "GAN, fully connected, batch norm in the generator; takes no label", conditional=False),
    "gan-plain": Preset(
        GAN,
        "GAN, fully connected, without batch norm; takes no label",
        {"architecture": "plain", "z_dim": 64, "images": 12_000_000, "beta1": 0.9, "adam_eps": 1e-8},
        conditional=False,
    ),
    "cgan-concat": Preset(CGAN, "conditional GAN: label embedding concatenated to noise and image"),
    "cgan-multiply": Preset(
        CGAN,
        "conditional GAN: label embedding multiplied with noise and image",
        KERAS | {"architecture": "multiply", "batch": 32, "images": 640_000, "lr_g": 2e-4},
    ),
    "cgan-maxout": Preset(
        CGAN,
        "conditional GAN: networks of the paper, with a maxout discriminator",
        KERAS
        | {"architecture": "maxout", "batch": 100, "images": 1_000_000, "dropout": 0.5, "lr_g": 3e-3, "lr_d": 1e-3},
    ),
    "swift": Preset(SWIFT, "relativistic GAN on 4x4 patches, built for short trainings; projection discriminator"),
    "flow": Preset(FLOW, "rectified flow on 4x4 patches, built for short trainings; classifier-free guidance"),
    "flow-distilled": Preset(DISTILLED, "flow whose guided path is distilled into four passes through the network"),
    "dcgan": Preset(DCGAN, "convolutional GAN; takes no label", source_spec=FACES, conditional=False),
    "cdcgan": Preset(
        DCGAN, "convolutional GAN: label concatenated to noise, label planes to the image", {"conditional": True}
    ),
    "cwgan-gp": Preset(
        CWGAN, "convolutional Wasserstein GAN with gradient penalty: labels as in cdcgan", source_spec=FACES
    ),
    "cwgan-gp-fast": Preset(
        CWGAN,
        "cwgan-gp with smaller batches and a higher learning rate, for two cores",
        {"images": 600_000, "batch": 32, "lr": 2e-4},
        source_spec=FACES,
    ),
    "acgan": Preset(
        ACGAN,
        "convolutional GAN whose discriminator also classifies the label (auxiliary classifier)",
        source_spec=CIFAR,
    ),
    "sngan": Preset(
        SNGAN,
        "residual GAN with spectral normalisation: conditional batch norm, projection discriminator",
        source_spec=CIFAR,
    ),
    "biggan": Preset(
        BIGGAN,
        "residual GAN with self-attention, shared label embedding and z in parts; projection discriminator",
        source_spec=CIFAR,
    ),
    "stylegan2": Preset(
        STYLEGAN2, "GAN with mapping network, modulated convolutions and adaptive augmentation", source_spec=CIFAR
    ),
    "r3gan": Preset(
        R3GAN, "relativistic residual GAN with both gradient penalties and no normalisation", source_spec=CIFAR
    ),
    "vae": Preset(VAE, "variational autoencoder; takes no label", conditional=False),
    "vae-2d": Preset(
        VAE,
        "variational autoencoder with a two-dimensional z, for plots; takes no label",
        {"z_dim": 2},
        conditional=False,
    ),
    "cvae": Preset(VAE, "variational autoencoder with the label given to encoder and decoder", {"conditional": True}),
}

DEFAULT = "swift"
"""Trained when no system is named: the best preset after one minute (docs/leaderboard/mnist.md)."""


FAMILIES = {
    "cgan": (
        "there are four conditional GANs, which differ in how the networks receive the label",
        ("cgan-concat", "cgan-multiply", "cgan-maxout", "cdcgan"),
    ),
    "wgan": ("condgen's Wasserstein GAN is conditional, with gradient penalty", ("cwgan-gp",)),
    "wgan-gp": ("condgen's Wasserstein GAN is conditional", ("cwgan-gp",)),
    "cwgan": ("condgen's Wasserstein GAN has a gradient penalty", ("cwgan-gp",)),
    "ac-gan": ("condgen's GAN with an auxiliary classifier is", ("acgan",)),
    "sn-gan": ("condgen's GAN with spectral normalisation is", ("sngan",)),
    "projection": ("these have a projection discriminator", ("sngan", "swift")),
    "big-gan": ("condgen's BigGAN is", ("biggan",)),
    "stylegan": ("condgen has StyleGAN2 with adaptive augmentation", ("stylegan2",)),
    "stylegan3": ("there is no StyleGAN3; the nearest is", ("stylegan2",)),
    "stylegan2-ada": ("its augmentation is the default of", ("stylegan2",)),
    "autoencoder": ("condgen's autoencoders are variational", ("vae", "vae-2d", "cvae")),
    "diffusion": ("condgen's diffusion model is a rectified flow", ("flow",)),
    "ddpm": ("condgen's diffusion model is a rectified flow", ("flow",)),
    "dit": ("condgen's diffusion model is a rectified flow with a convolutional network", ("flow",)),
    "flow-matching": ("condgen's flow-matching model is a rectified flow", ("flow",)),
    "rectified-flow": ("the preset has a short name", ("flow",)),
}
"""Names that people try, which are those of a family and not of a preset -> what to know, and the presets."""


def presets() -> dict[str, Preset]:
    """Every preset by name: the built-in ones, then those of installed packages, which cannot replace them."""
    others = {
        name: Preset(entry.value, f"from the package {entry.dist.name if entry.dist else entry.module}", built_in=False)
        for name, entry in plugins.installed().items()
    }
    return {**others, **SYSTEMS} if others else SYSTEMS


def preset(name: str, chosen: bool = False) -> Preset:
    """A preset by name, or the system that module:Class names.

    chosen: the user named it in a command, so that module:Class may be imported; a card alone is not enough.

    Raises CondgenError, suggesting the nearest name, if there is none.
    """
    if plugins.is_path(name):
        if not chosen:
            plugins.check_chosen(name)
        return Preset(name, f"the class {name}", built_in=False)
    known = presets()
    if name not in known:
        raise _no_such(name, known)
    return known[name]


def _no_such(name: str, known: Mapping[str, Preset]) -> CondgenError:
    """A family is answered with its presets; a word that sounds conditional never with a system without labels."""
    if family := FAMILIES.get(name.lower().replace("_", "-")):
        sentence, members = family
        listed = "; ".join(f"{member} ({known[member].summary})" for member in members)
        choice = "Name one of them." if len(members) > 1 else f"Name it: condgen train {members[0]}."
        return CondgenError(f"{name!r} is not a preset; {sentence}: {listed}. {choice}")
    conditional = name.lower().startswith(("c", "ac"))
    names = [other for other, entry in known.items() if entry.conditional or not conditional]
    return CondgenError(f"unknown system {name!r}{did_you_mean(name, names)} There are: {', '.join(known)}.")

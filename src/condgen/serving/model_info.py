"""What the HTTP side of the server knows about its generator, without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from condgen.card import Card
from condgen.options import Option, Value, Values, checked, rebased
from condgen.serving.limits import Limits
from condgen.sharing import about
from condgen.spec import Prior, Spec


@dataclass(frozen=True)
class Served:
    """Facts about the served generator, as reported by the model process."""

    name: str
    card: Card
    spec: Spec
    prior: Prior
    micro_batch: int
    manifold: bool
    """Whether z is the plane of an autoencoder (`sharing.card.has_plane`)."""
    scores: Mapping[str, float] = field(default_factory=dict)
    declared: Sequence[Option] = ()
    """The sampling options as the system declares them."""
    takes_mixes: bool = True
    """Whether labels can be mixed (`System.takes_mixes`)."""

    @classmethod
    def of(cls, name: str, hello: Mapping[str, Any], scores: Mapping[str, float]) -> "Served":
        spec = Spec.from_json(hello["spec"])
        spec.labels.indexed()
        return cls(
            name, Card.model_validate(hello["card"]), spec, Prior(**hello["prior"]), hello["micro_batch"],
            hello["manifold"], {**hello["card"].get("scores", {}), **scores},
            tuple(map(Option.model_validate, hello["options"])), hello["takes_mixes"],
        )  # fmt: skip

    @cached_property
    def empty(self) -> list[int]:
        """Numbers of the labels without training images, which cannot be requested."""
        return sorted(self.card.empty)

    @property
    def options(self) -> tuple[Option, ...]:
        """The sampling options of requests; the defaults are the values that the server was started with."""
        return rebased(self.declared, self.card.sampling or {})

    def values(self, request: object) -> Values:
        """The value of each sampling option in a request (`schemas.with_options`)."""
        return {option.name: getattr(request, option.name) for option in self.declared}

    def card_under(self, values: Mapping[str, Value]) -> Card:
        """The generator's card for the metadata of images generated under these sampling options."""
        return self.card.with_sampling(checked(self.declared, values))

    def about(self, limits: Limits) -> dict[str, Any]:
        """The response to GET /about."""
        facts = about.facts(self.name, self.card, self.spec, self.prior, self.micro_batch, self.manifold, self.declared)
        return facts | {
            "scores": dict(self.scores),
            "limits": {
                "images": limits.of(self.spec.pixels),
                "points": min(limits.points, limits.of(self.spec.pixels)),
                "body": limits.body,
                "seconds": limits.request_seconds,
            },
        }

    def __str__(self) -> str:
        channels, height, width = self.spec.shape
        colour = {1: "grey", 4: "colour with alpha"}.get(channels, "colour")
        names = self.spec.labels.names
        shown = " ".join(names if len(names) <= 10 else [*names[:9], "...", names[-1]])
        weights = self.card.sha256[:12]
        return f"{self.name}: {self.card.system}, {colour} {height}x{width}, labels {shown}; weights {weights}"

"""What is served: all that the HTTP side has to know of a generator, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from condgen.serving.limits import Limits
from condgen.sharing import about
from condgen.spec import Prior, Spec


@dataclass(frozen=True)
class Served:
    """One generator, by what its process said of it."""

    name: str
    card: Mapping[str, Any]
    spec: Spec
    prior: Prior
    micro_batch: int
    manifold: bool
    """`sharing.card.has_plane`"""
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, hello: Mapping[str, Any], scores: Mapping[str, float]) -> "Served":
        spec = Spec.from_json(hello["spec"])
        spec.labels.indexed()
        return cls(
            name, hello["card"], spec, Prior(**hello["prior"]), hello["micro_batch"],
            hello["manifold"], {**hello["card"].get("scores", {}), **scores},
        )  # fmt: skip

    def about(self, limits: Limits) -> dict[str, Any]:
        """As GET /about answers."""
        return about.told(self.name, self.card, self.spec, self.prior, self.micro_batch, self.manifold) | {
            "scores": dict(self.scores),
            "limits": {
                "pictures": limits.of(self.spec.pixels),
                "points": min(limits.points, limits.of(self.spec.pixels)),
                "body": limits.body,
                "seconds": limits.request_seconds,
            },
        }

    def __str__(self) -> str:
        channels, height, width = self.spec.shape
        colour = "colour" if channels == 3 else "grey"
        names = self.spec.labels.names
        shown = " ".join(names if len(names) <= 10 else [*names[:9], "...", names[-1]])
        weights = str(self.card.get("sha256"))[:12]
        return f"{self.name}: {self.card.get('system')}, {colour} {height}x{width}, labels {shown}; weights {weights}"

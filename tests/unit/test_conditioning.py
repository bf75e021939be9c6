"""benchmarks/backbone.py: in every combination the label reaches both networks, and each step trains all of it."""

import conditioning  # type: ignore[import-not-found]
import pytest
import torch
from backbone import Config, Wired  # type: ignore[import-not-found]

from condgen.testing.toys import toy_data
from condgen.testing.trainings import streaming


@pytest.mark.parametrize(("g", "d"), conditioning.WAYS)
def test_a_step_trains_everything_and_the_label_reaches_both(g: str, d: str) -> None:
    torch.manual_seed(0)
    data = toy_data("attributes")
    system = Wired(data.spec, Config(g=g, d=d, width=4, features=8))
    before = {name: parameter.clone() for name, parameter in system.named_parameters()}
    stream = streaming(data)
    for _ in range(3):
        logs = system.step(stream, stream.images)
    assert all(value.isfinite() for value in logs.values())
    assert not [name for name, parameter in system.named_parameters() if torch.equal(parameter, before[name])]
    x, y = next(stream)
    z, other, D = torch.randn(len(x), 64), 1 - y, system.D.eval()
    assert not torch.allclose(system.G.eval()(z, y), system.G(z, other))
    h = D.features(x, y)
    scored = not torch.allclose(D.head(h, y), D.head(D.features(x, other), other))
    assert scored or D.head.label_loss(h, y, data.spec) != D.head.label_loss(h, other, data.spec)

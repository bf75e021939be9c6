"""What torch-fidelity gives for features that a seed makes: tests/metrics/golden.json.

    pip install torch==2.13.0 scipy && pip install --no-deps torch-fidelity==0.4.0 torchvision==0.28.0
    python tools/golden_metrics.py

torch-fidelity imports torchvision, which has no CPU build: two operators are declared first so that the import works.
That is too much for a test suite to install, so its numbers are kept and compared with.
"""

import json
from pathlib import Path

import numpy as np
import torch

TARGET = Path(__file__).parents[1] / "tests/metrics/golden.json"


def features(n: int, seed: int, shift: float = 0.0, dim: int = 64) -> np.ndarray:
    """As from a ReLU layer: correlated, many zeros. The test makes the same."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).standard_normal((dim, dim)) / dim**0.5
    return np.maximum(0, random.standard_normal((n, dim)) @ mixing + shift)


def main() -> None:
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torch_fidelity
    from torch_fidelity import metric_fid, metric_kid, metric_prc

    found: dict[str, object] = {"torch-fidelity": torch_fidelity.__version__}
    for name, n in (("2000", 2000), ("500", 500), ("50", 50)):
        one, other = features(n, 1), features(n, 2, shift=0.1)
        moments = [metric_fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (one, other)]
        distance = metric_fid.fid_statistics_to_metric(*moments, verbose=False)
        found[f"fd {name}"] = float(distance["frechet_inception_distance"])
    one, other = (torch.from_numpy(x).float() for x in (features(2000, 1), features(2000, 2, shift=0.1)))
    prc = metric_prc.prc_features_to_metric(other, one, verbose=False)  # drawn ones come first
    found |= {name: float(value) for name, value in prc.items()}
    found["kid, 1000"] = float(metric_kid.kernel_mmd(one[:1000].double().numpy(), other[:1000].double().numpy()))
    TARGET.write_text(json.dumps(found, indent=2) + "\n")
    print(found)


if __name__ == "__main__":
    main()

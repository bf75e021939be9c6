"""FID with the Inception network of torch-fidelity, if that library and its weights are available.

Only this metric is called FID. It needs 8,192 images on each side (4 per feature dimension). torch-fidelity needs a
torchvision that matches the installed torch; there is none for CPU builds.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.data.transparency import flattened
from condgen.errors import CondgenError
from condgen.judging.reference import Reference, Samples
from condgen.metrics import frechet
from condgen.metrics.estimate import Estimate

BATCH = 50
WHITE = (255, 255, 255)
"""The colour behind transparent images, since the network takes no alpha."""
FETCH = "fetch"
Extractor = Callable[[Tensor], tuple[Tensor]]
"""uint8 (b, 3, h, w) -> ((b, 2048),)"""


def fid(samples: Samples, reference: Reference, weights: str) -> Estimate:
    """FID between generated images and the test split. weights: torch-fidelity's .pth file, or FETCH to download it."""
    extractor = _inception(None if weights == FETCH else weights)
    real = frechet.Moments.of(_features(extractor, reference.split.images))
    return frechet.fd(real, _features(extractor, samples.images))


def _inception(weights: str | None) -> Extractor:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except (ImportError, RuntimeError) as error:  # a torchvision for another torch raises RuntimeError
        raise CondgenError(
            f"FID needs torch-fidelity (pip install 'condgen[inception]'), whose import failed: {error}."
        ) from None
    try:
        found: Extractor = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=weights)
    except (OSError, RuntimeError, KeyError) as error:
        where = weights or "the network"
        raise CondgenError(f"cannot load the weights of the Inception network from {where}: {error}.") from None
    return found


@torch.no_grad()
def _features(extractor: Extractor, images: NDArray[np.uint8]) -> Tensor:
    colour = torch.from_numpy(flattened(images, WHITE)).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
    return torch.cat([extractor(some)[0].flatten(1) for some in colour.split(BATCH)])

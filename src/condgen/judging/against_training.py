"""Metrics that compare generated images with training images: texture, and those for small sets.

Training images are more than test images in a small data set. Real test images in place of generated ones give the
floor (`protocol.real_estimates`).
"""

import torch
from torch import Tensor

from condgen.judging.generated_set import Estimates, GeneratedSet
from condgen.metrics import frechet, small, texture
from condgen.metrics.estimate import Estimate

PER_LABEL = 200
"""Largest number of images of a label for its fine detail."""
PAIRS = 2000
"""Largest number of images on each side of metrics for small sets."""


def textures(generated: GeneratedSet) -> Estimates:
    """Texture of the generated images, compared with training images."""
    images, reference = generated.samples.images, generated.reference
    if min(images.shape[1:3]) >= texture.SMALLEST:
        yield from texture.textures(texture.Texture.of(images), reference.texture)


def small_sets(generated: GeneratedSet) -> Estimates:
    """Metrics for few images, compared with training images. FD over fewer features only where FD is refused."""
    reference = generated.reference
    features, train = generated.predictions.features, reference.train_predictions.features[:PAIRS]
    test = len(reference.split)
    if frechet.too_few(test, len(features), features.shape[1]):
        yield "fd_reduced", small.fd_reduced(train, features[: min(test, len(train))])
    yield "kid_train", small.kid_train(train, features[:PAIRS])
    equal = min(len(train), len(features))
    yield "repeats", small.repeats(train[:equal], features[:equal])


def detail_within(generated: GeneratedSet, group: Tensor, number: int) -> dict[str, Estimate]:
    """Fine detail within a group, relative to real training images of its label; {} for tiny images."""
    train = generated.reference.train
    real = train.images[generated.reference.groups(torch.from_numpy(train.labels))[number][1].numpy()][:PER_LABEL]
    ours = generated.samples.images[group.numpy()][:PER_LABEL]
    if min(len(real), len(ours)) < 2 or min(ours.shape[1:3]) < texture.SMALLEST:
        return {}
    return {"fine_detail": texture.fine_detail(texture.Texture.of(ours), texture.Texture.of(real))}

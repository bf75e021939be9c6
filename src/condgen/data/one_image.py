"""Reads one image file as the images of a data set were read: their size, their channels, their options."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen.data.decode import decoded
from condgen.data.foreign_images import Converted
from condgen.data.store import Bad, Folder
from condgen.data_options import DataOptions
from condgen.errors import CondgenError
from condgen.spec import Spec


def read(path: Path, spec: Spec, options: DataOptions) -> NDArray[np.uint8]:
    """The image in a file, (h, w, c) as `spec` has them: scaled if it has another size, grey if it has one channel.

    Raises CondgenError with the reason if the file cannot be used. Only square images are scaled.
    """
    channels, height, width = spec.shape
    store = Converted(Folder(path.parent, path.name), options.black_and_white)
    try:
        data = store.read(path.name)
        image = decoded(data, None, options)
        if image.pixels.shape[:2] != (height, width):
            if height != width:
                raise Bad(f"should have {width}x{height} pixels, as the images of the training")
            image = decoded(data, height, options)
    except Bad as error:
        raise CondgenError(f"{str(path)!r} {error}.") from None
    return _in_channels(image.pixels, channels)


def _in_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """RGB or RGBA pixels with this number of channels. An image without transparency is opaque."""
    if channels == 1:
        return np.array(Image.fromarray(pixels).convert("L"))[..., None]
    if channels == 4 and pixels.shape[2] == 3:
        return np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], 2)
    return pixels[..., :channels]

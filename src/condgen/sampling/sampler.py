"""The sampler of a generator takes labels and returns uint8 images. The same request always returns the same images.

Image `index` of (seed, label) has the same bytes whatever the count, the order and the other labels of the request. Two
properties ensure this: z is a function of (seed, index) alone, and every forward pass has the same shape. The batch is
a fixed micro-batch, the last one padded, because the kernels for other shapes round differently.
"""

import base64
import html
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from io import BytesIO
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from condgen.card import Card
from condgen.errors import CondgenError, notice, shortened
from condgen.labels import ANY, Label
from condgen.mixes import Condition
from condgen.noise import draw_at
from condgen.options import Option, Value, Values, checked, filled, with_precision
from condgen.sampling.forward import generated, to_uint8
from condgen.sampling.request import Item, SampleRequest, batched, counted, numbered
from condgen.spec import Prior, Spec

MICRO_BATCH = 32


class Sampler:
    """Generates images with a trained generator. `condgen.load` returns a Sampler."""

    def __init__(
        self,
        net: nn.Module,
        spec: Spec,
        prior: Prior,
        *,
        device: torch.device | str = "cpu",
        micro_batch: int = MICRO_BATCH,
        card: Card | None = None,
        options: Sequence[Option] | None = None,
        takes_mixes: bool = True,
    ) -> None:
        """card: that of the files which the generator was loaded from.

        options: the sampling options of the generator (`System.sampling_options`). Default: those of its prior, and the
        precision.

        takes_mixes: `System.takes_mixes`.
        """
        self.net = net.to(device).eval()
        self.spec, self.prior, self.device, self.micro_batch = spec, prior, device, micro_batch
        self.takes_mixes, self._card = takes_mixes, card
        self.options = with_precision(prior.options) if options is None else tuple(options)
        self.empty: frozenset[int] = card.empty if card else frozenset()
        """Labels without training images, by number. They cannot be requested, and `all` leaves them out."""
        self.chosen: Values = checked(self.options, (card and card.sampling) or {})

    @property
    def card(self) -> Card:
        """The card of the generator. Raises CondgenError for a network in training, which has none yet."""
        if self._card is None:
            raise CondgenError("this generator was not loaded from files, so that it has no card.")
        return self._card

    def __repr__(self) -> str:
        known, shape = self.spec.labels, "x".join(map(str, self.spec.shape))
        system = self._card.system if self._card else "?"
        return f"Sampler({system}, {shape}, {len(known)} {known.kind}{self._chosen()})"

    def _repr_html_(self) -> str:
        """HTML for notebooks: samples of the first ten labels, one column each."""
        from PIL import Image

        labels = list(self.trained[:10])
        grid = np.concatenate(list(self.batches([label for label in labels for _ in range(4)], seed=0)))
        grid = grid.reshape(len(labels), 4, *grid.shape[1:]).transpose(1, 2, 0, 3, 4)  # (row, h, column, w, c)
        sheet = grid.reshape(4 * grid.shape[1], -1, grid.shape[4])
        buffer = BytesIO()
        Image.fromarray(sheet.squeeze(2) if sheet.shape[2] == 1 else sheet).save(buffer, "PNG")
        image = base64.b64encode(buffer.getvalue()).decode()
        return f'<p>{html.escape(repr(self))}</p><img alt="samples" src="data:image/png;base64,{image}">'

    def _chosen(self) -> str:
        return "".join(f", {name}={value}" for name, value in self.chosen.items())

    def with_options(self, **given: object) -> "Sampler":
        """A sampler of the same network with other sampling options, such as `truncation=0.7`. Options that are not
        given keep their values. The card of the new sampler records them, so that they become part of the images'
        metadata.

        Raises CondgenError for an option that the generator does not have, or a value out of range.
        """
        other = copy(self)
        other.chosen = checked(self.options, {**self.chosen, **given})
        other._card = self._card and self._card.with_sampling(other.chosen)
        return other

    def sample(
        self, labels: object = "all", *, mix: object = None, count: int = 1, seed: int = 0, **options: Value
    ) -> NDArray[np.uint8]:
        """Generate images as uint8: (n, height, width) if grey, (n, height, width, 3) if in colour, and with alpha as
        fourth channel if the data were read with --alpha.

        Args:
            labels: Text as on the command line ("8", "0-9", "all", "3=2,8=5", "Smiling+Blond_Hair"), a class number, a
                sequence of either, or a dictionary of counts by label. Attributes may also be given as rows of 0 and 1.
            mix: Instead of labels, one mix of them: text ("3:.5,8:.5") or a dictionary of weights by label.
            count: Number of images of the mix, and of each label without a count of its own. The images of one label
                are consecutive, ordered by index.
            seed: Random seed. The same seed gives the same images.
            options: Sampling options of this generator, such as truncation=0.7.

        Raises CondgenError for an unknown label, an unknown option or a value out of range.
        """
        if options:
            return self.with_options(**options).sample(labels, mix=mix, count=count, seed=seed)
        images = np.concatenate(list(self.batches(self._wanted(labels, mix, count), seed)))
        return images[..., 0] if self.spec.channels == 1 else images

    def warmed_up(self) -> "Sampler":
        """Run one forward pass and discard its result. With two threads on a busy machine, the first pass of a process
        sometimes rounds differently from all later ones (docs/LOG.md). Returns self."""
        self._forward(torch.zeros(1, self.prior.dim), torch.zeros(1, len(self.spec.labels)))
        return self

    @property
    def trained(self) -> Sequence[Label]:
        """Each label that has training images, once."""
        return self.spec.labels.trained(self.empty)

    def labels(self, wanted: object) -> list[Label]:
        """The requested labels as a list. Raises CondgenError for a label that is unknown or has no training images."""
        if self.empty and self.spec.labels.text.is_all(wanted):
            self._say_empty()
            return list(self.trained)
        found = self._listed(wanted)
        self.spec.labels.check_trained(found, self.empty)
        return found

    def _say_empty(self) -> None:
        """Print which labels `all` leaves out. Raises CondgenError if no label remains."""
        names = self.spec.labels.names
        some = ", ".join(shortened(names[number]) for number in sorted(self.empty)[:5])
        more = ", ..." if len(self.empty) > 5 else ""
        notice(f"left out, since the generator was trained on no image of them: {some}{more}.")
        if not self.trained:
            raise CondgenError("this generator was trained on no image of any label.")

    def _listed(self, wanted: object) -> list[Label]:
        known = self.spec.labels
        if isinstance(wanted, str):
            self._say_doubts(wanted)
            return known.parse(wanted)
        if isinstance(wanted, int | np.integer):
            return [known.check(int(wanted))]
        if isinstance(wanted, Iterable):
            return [known.check(label) for label in wanted]
        raise CondgenError(f"labels {wanted!r} are neither text, a number nor a sequence.")

    def request(self, labels: object = "all", mix: object = None, *, count: int = 1, seed: int = 0) -> SampleRequest:
        """The request for these labels or this mix, as in `sample`. A label that is named twice is requested once.

        Raises CondgenError for an unknown label, or for a mix that this generator does not take.
        """
        self._say_doubts(labels)
        if mix is not None and self.spec.labels != ANY and not self.takes_mixes:
            name = self._card.system if self._card else "this generator"
            raise CondgenError(f"{name} takes whole labels only, so none can be mixed; request --labels instead.")
        return SampleRequest.resolve(self.spec.labels, labels, mix, count=count, seed=seed, empty=self.empty)

    def _wanted(self, labels: object, mix: object, count: int) -> Iterator[Condition]:
        """The requested label or mix of every image. Raises CondgenError if there is none."""
        parts: Iterator[tuple[Sequence[Condition], int]]
        if mix is not None:
            parts = iter([(self.request(labels, mix).labels, count)])
        else:
            self._say_doubts(labels)
            parts = counted(self.spec.labels, labels, count, self.empty)
        wanted = (label for some, number in parts for label in some for _ in range(number))
        first = next(wanted, None)
        if first is None:
            raise CondgenError(f"no images are requested by labels {labels!r} and count {count}.")
        return chain([first], wanted)

    def _say_doubts(self, labels: object) -> None:
        """Print a notice for each word that has two meanings."""
        for sentence in self.spec.labels.text.doubts(labels) if isinstance(labels, str) else ():
            notice(sentence)
        if self.empty and self.spec.labels.text.is_all(labels):
            self._say_empty()

    def batches(self, labels: Iterable[Condition], seed: int, start: int = 0) -> Iterator[NDArray[np.uint8]]:
        """Yield images, uint8 (<= micro_batch, h, w, c). Occurrence n = 0, 1, ... of a label gets image start + n."""
        return self._batches(numbered(labels, start), seed)

    def generate(self, items: Iterable[Item], seed: int) -> Iterator[NDArray[np.uint8]]:
        """The images of a request's items, one at a time, uint8 (h, w, c)."""
        for images in self._batches(items, seed):
            yield from images

    def decode(self, z: Tensor, y: Tensor) -> NDArray[np.uint8]:
        """Images, uint8 (n, h, w, c), for z (n, prior.dim) and label vectors y (n, K), which may be interpolated."""
        starts = range(0, len(z), self.micro_batch)
        return np.concatenate([self._forward(z[i : i + self.micro_batch], y[i : i + self.micro_batch]) for i in starts])

    def _batches(self, items: Iterable[Item], seed: int) -> Iterator[NDArray[np.uint8]]:
        for some in batched(iter(items), self.micro_batch):
            y = torch.from_numpy(self.spec.labels.encode([item.label for item in some]))
            yield self._forward(draw_at(self.prior, seed, [item.number for item in some]), y)

    @torch.inference_mode()
    def _forward(self, z: Tensor, y: Tensor) -> NDArray[np.uint8]:
        """Generate one micro-batch. Shorter input is padded to the full size by repeating its last row."""
        padding = self.micro_batch - len(z)
        z, y = (torch.cat([points, points[-1:].expand(padding, -1)]).to(self.device) for points in (z, y))
        x = generated(self.net, z, y, filled(self.options, self.chosen))
        return to_uint8(x)[: self.micro_batch - padding].cpu().numpy()

"""The provenance of an image, as its metadata. Needs no torch, so that the server need not load it."""

from condgen.card import Card


def about(card: Card, micro_batch: int, **request: object) -> dict[str, object]:
    """The metadata of an image, which suffices to generate it again.

    card: the card of the generator. request: the requested values, such as label, seed and index.
    """
    sampling = {"sampling": card.sampling} if card.sampling else {}
    return {
        **request,
        **sampling,
        "system": card.system,
        "weights": card.sha256,
        "micro_batch": micro_batch,
    }

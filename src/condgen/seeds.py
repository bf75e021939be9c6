"""One law for everything random: a seed is a hash of (seed, stream, numbers ...)."""

import hashlib


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed from its parts, such as ``seed_of(0, "order", epoch)``.

    Equal parts give equal seeds; any other part gives an unrelated one. Sums like ``seed + i`` would not:
    (seed 1, image 1) would be (seed 2, image 0).
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1

"""Seeds of all random numbers: a hash of (seed, name of the stream, indices ...)."""

import hashlib


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed from its parts, such as ``seed_of(0, "order", epoch)``.

    Equal parts give equal seeds; different parts give unrelated seeds. Sums such as ``seed + i`` would collide: (seed
    1, image 1) and (seed 2, image 0) would be equal.
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1

"""How many different ones there were, in at most four kilobytes: a pure structure.

Up to `EXACT_MAX` it keeps every hash and the count is exact. Beyond, it is a HyperLogLog of 4,096 registers, whose
standard error is 1.04 / √4096 = 1.6 %. Source: Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
2017, the improved raw estimator, which needs no tables and no switching between ranges.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from math import inf, log, sqrt

HASH_BITS = 64
INDEX_BITS = 12
REGISTERS = 1 << INDEX_BITS
RANK_BITS = HASH_BITS - INDEX_BITS
EXACT_MAX = 512  # hashes kept one by one: as many as the registers take in bytes
HASH_BYTES = HASH_BITS // 8
EXACT, DENSE = b"\0", b"\1"  # the first byte of what is stored


class Sketch:
    """A set of which only the size can be asked."""

    def __init__(self) -> None:
        self._exact: set[int] | None = set()
        self._registers = bytearray()

    def add(self, hashes: Iterable[int]) -> None:
        """Put in some evenly spread numbers of 64 bits. One that is in already changes nothing."""
        for value in hashes:
            if self._exact is None:
                self._rank(value)
                continue
            self._exact.add(value)
            if len(self._exact) > EXACT_MAX:
                known, self._exact = self._exact, None
                self._registers = bytearray(REGISTERS)
                for each in known:
                    self._rank(each)

    def count(self) -> int:
        """How many different numbers were put in."""
        if self._exact is not None:
            return len(self._exact)
        many = [0] * (RANK_BITS + 2)
        for rank in self._registers:
            many[rank] += 1
        total = REGISTERS * tau(1 - many[RANK_BITS + 1] / REGISTERS)
        for rank in range(RANK_BITS, 0, -1):
            total = 0.5 * (total + many[rank])
        total += REGISTERS * sigma(many[0] / REGISTERS)
        return round(REGISTERS * REGISTERS / (2 * log(2) * total))

    def encode(self) -> bytes:
        """The set as bytes."""
        if self._exact is None:
            return DENSE + bytes(self._registers)
        return EXACT + struct.pack(f"<{len(self._exact)}Q", *sorted(self._exact))

    @classmethod
    def decode(cls, stored: bytes) -> Sketch:
        """The set that `encode` made bytes of."""
        made = cls()
        if stored[:1] == DENSE:
            made._exact, made._registers = None, bytearray(stored[1:])
        else:
            made._exact = set(struct.unpack(f"<{(len(stored) - 1) // HASH_BYTES}Q", stored[1:]))
        return made

    def _rank(self, value: int) -> None:
        """Note where the first bit stands in what follows the register's number."""
        rest = value & ((1 << RANK_BITS) - 1)
        rank = RANK_BITS - rest.bit_length() + 1
        place = value >> RANK_BITS
        self._registers[place] = max(self._registers[place], rank)


def sigma(x: float) -> float:
    """The share of the registers nothing fell into. Source: as above, algorithm 6."""
    if x == 1:
        return inf
    y, total, before = 1.0, x, -1.0
    while total != before:
        x *= x
        before = total
        total += x * y
        y += y
    return total


def tau(x: float) -> float:
    """The share of the registers that are full. Source: as above, algorithm 6."""
    if x in (0, 1):
        return 0.0
    y, total, before = 1.0, 1 - x, -1.0
    while total != before:
        x = sqrt(x)
        before = total
        y *= 0.5
        total -= (1 - x) ** 2 * y
    return total / 3

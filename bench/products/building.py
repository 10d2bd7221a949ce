"""`python bench/products/building.py serve …`: the teahouse command, but passwords are hashed at the least cost.

A world of two thousand people is four minutes of hashing otherwise. Only worlds are built with it: what is measured
runs the product as it is.
"""

from __future__ import annotations

import sys
from functools import partial

from argon2 import PasswordHasher

from teahouse.__main__ import main
from teahouse.users import passwords

if __name__ == "__main__":
    passwords.PasswordHasher = partial(PasswordHasher, time_cost=1, memory_cost=64)  # type: ignore[misc, assignment]
    sys.exit(main())

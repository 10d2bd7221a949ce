"""How long the tests marked `long` run: as long as each says, or a slice of it."""

import os

EXAMPLES_ENVIRONMENT = "LONG_EXAMPLES"  # with `--hypothesis-seed`, a run of many hours in pieces


def lives(whole: int) -> int:
    """So many lives, unless the environment asks for fewer or more."""
    return int(os.environ.get(EXAMPLES_ENVIRONMENT, whole))

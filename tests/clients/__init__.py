"""Real clients against the served product: their failures should show what was compared, here as in the tests."""

import pytest

pytest.register_assert_rewrite("tests.clients.stage")

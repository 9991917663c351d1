"""Fresh entropy for every test that takes chance, printed when it fails; REFVI_ENTROPY=0x... replays it."""
import os
import secrets

import numpy as np
import pytest


@pytest.fixture
def entropy():
    value = int(os.environ.get("REFVI_ENTROPY", hex(secrets.randbits(128))), 16)
    print(f"replay with REFVI_ENTROPY={value:#034x}")
    return value


@pytest.fixture
def rng(entropy):
    return np.random.Generator(np.random.SFC64(entropy))

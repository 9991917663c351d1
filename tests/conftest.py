"""Fresh entropy for every test that takes chance, printed when it fails; REFVI_ENTROPY=0x... replays it."""
import os
import secrets

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")      # as the command does, before NumPy is imported

import numpy as np      # noqa: E402
import pytest           # noqa: E402


@pytest.fixture
def entropy():
    value = int(os.environ.get("REFVI_ENTROPY", hex(secrets.randbits(128))), 16)
    print(f"replay with REFVI_ENTROPY={value:#034x}")
    return value


@pytest.fixture
def rng(entropy):
    return np.random.Generator(np.random.SFC64(entropy))

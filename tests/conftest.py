"""Fresh entropy for every test that takes chance, printed when it fails; REFVI_ENTROPY=0x... replays it.

Derivations are played beside the other tests, which need one core only, and judged last.
"""
import gc
import os
import secrets

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")      # as the command does, before NumPy is imported

import numpy as np      # noqa: E402
import pytest           # noqa: E402

from refvi import CHAPTERS              # noqa: E402
from tests.playing import Playing       # noqa: E402

PLAYING = pytest.StashKey[Playing]()


def plays(item):
    return "played" in getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=plays)


def pytest_collection_finish(session):
    """Start to play what the chosen tests ask for: all chapters, if not single ones."""
    gc.freeze()         # modules and tests stay: no collection, and no search for memories, goes through them again
    chosen = [item for item in session.items if plays(item)]
    if chosen and not session.config.option.collectonly:
        named = {getattr(item, "callspec", None) and item.callspec.params.get("name") for item in chosen}
        names = list(CHAPTERS) if None in named else sorted(named, key=list(CHAPTERS).index)
        session.config.stash[PLAYING] = Playing(names)


def pytest_sessionfinish(session):
    if PLAYING in session.config.stash:
        session.config.stash[PLAYING].end()


@pytest.fixture(scope="session")
def played(request):
    """What came of the derivations: see Playing.outcome."""
    return request.config.stash[PLAYING].outcome()


@pytest.fixture
def entropy():
    value = int(os.environ.get("REFVI_ENTROPY", hex(secrets.randbits(128))), 16)
    print(f"replay with REFVI_ENTROPY={value:#034x}")
    return value


@pytest.fixture
def rng(entropy):
    return np.random.Generator(np.random.SFC64(entropy))

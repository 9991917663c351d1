"""Where the checker's chance comes from: one generator for each strike of each row, whichever is asked for first."""
import hashlib

import numpy as np


def stream_of(entropy, *words):
    """The generator of one strike of one row, from the run's 128-bit entropy and the words that name the strike."""
    text = "\0".join([f"{entropy:032x}", *map(str, words)])
    return np.random.Generator(np.random.SFC64(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")))

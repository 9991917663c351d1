"""Data: toy sets drawn from an rng here; real sets, one file each, in the folder named by REFVI_DATA or in the user's
cache.
"""
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_count, require_finite, require_real, spread


class Regression(NamedTuple):
    """N inputs and targets, and what they are."""
    name: str
    inputs: np.ndarray          # (N, D)
    target: np.ndarray          # (N,)


def folder():
    """The folder of the real data, or None: REFVI_DATA is not set or names no folder."""
    path = os.environ.get("REFVI_DATA")
    return Path(path) if path and Path(path).is_dir() else None


def named():
    """What REFVI_DATA says, for messages."""
    path = os.environ.get("REFVI_DATA")
    if not path:
        return "REFVI_DATA is not set"
    return f"REFVI_DATA {'is' if folder() else 'names no folder:'} {path}"


def cache():
    """The folder where downloaded data are kept: refvi in XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refvi"


def places(name):
    """The folders where a set is looked for, in this order: in REFVI_DATA, in the cache."""
    return [root / name for root in (folder(), cache()) if root]


def toy_regression(rng, N=100, D=3, noise_sd=0.5):
    """A linear regression with correlated inputs, for where no real data is at hand."""
    require_count("N", N)
    require_count("D", D)
    inputs = rng.standard_normal((N, D)) @ (np.eye(D) + 0.4)
    weights = rng.uniform(-1.5, 1.5, D)
    return Regression("toy regression", inputs, inputs @ weights + noise_sd * rng.standard_normal(N))


class Digits(NamedTuple):
    """N images of 28 x 28 pixels, 0 black to 255 white, and the digits they show."""
    name: str
    images: np.ndarray          # (N, 784) uint8
    labels: np.ndarray          # (N,) uint8


def standardize(values):
    """Columns with mean zero and standard deviation one; a column that is constant up to rounding becomes zero."""
    values = require_finite("values", require_real("values", values))
    if not np.size(values) or not values.ndim:
        raise ValueError(f"values has shape {values.shape}, expected at least one row")
    sd = spread(values)
    return np.where(sd > 0, values - np.mean(values, axis=0), 0.) / np.where(sd > 0, sd, 1.)

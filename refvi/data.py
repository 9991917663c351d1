"""Data: toy sets drawn from an rng, and loaders for real ones, which lie in the folder named by REFVI_DATA."""
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refvi.core import require_count, require_finite

UCI = ("bostonHousing", "concrete", "energy", "yacht")


class Regression(NamedTuple):
    """N inputs and targets, and what they are."""
    name: str
    inputs: np.ndarray          # (N, D)
    target: np.ndarray          # (N,)


def folder():
    """The folder of the real data, or None: REFVI_DATA is not set or names no folder."""
    path = os.environ.get("REFVI_DATA")
    return Path(path) if path and Path(path).is_dir() else None


def toy_regression(rng, N=100, D=3, noise_sd=0.5):
    """A linear regression with correlated inputs, for where no real data is at hand."""
    require_count("N", N)
    require_count("D", D)
    inputs = rng.standard_normal((N, D)) @ (np.eye(D) + 0.4)
    weights = rng.uniform(-1.5, 1.5, D)
    return Regression("toy regression", inputs, inputs @ weights + noise_sd * rng.standard_normal(N))


def uci(name, root=None):
    """A UCI regression set as (inputs, target), in its own units; root defaults to REFVI_DATA/uci.

    FileNotFoundError says where the files belong; ValueError names the first value that is not finite.
    """
    if name not in UCI:
        raise ValueError(f"no UCI set {name!r}, expected one of {', '.join(UCI)}")
    root = Path(root) if root else folder() and folder() / "uci"
    if not root or not (root / name / "data.txt").exists():
        raise FileNotFoundError(f"no {name}/data.txt under {root or 'REFVI_DATA/uci (REFVI_DATA is not set)'}: put data.txt, index_features.txt and "
                                f"index_target.txt there, or set REFVI_DATA to the folder that holds uci/{name}")
    table, features, target = (np.loadtxt(root / name / f"{part}.txt", encoding="utf-8") for part in ("data", "index_features", "index_target"))
    require_finite(f"{name}/data.txt", table)
    return Regression(f"UCI {name}", table[:, features.astype(int)], table[:, int(target)])


def standardize(values):
    """Columns with mean zero and standard deviation one; a constant column stays at zero."""
    sd = np.std(values, axis=0)
    return (values - np.mean(values, axis=0)) / np.where(sd > 0, sd, 1.)

"""UCI regression sets with the splits of Hernandez-Lobato and Adams (2015) and Gal and Ghahramani (2016)."""
from pathlib import Path

import numpy as np

from refvi.base.checks import require_finite
from refvi.data.store import Regression, folder, named

SETS = ("bostonHousing", "concrete", "energy", "yacht")
SPLITS = 20


def at_hand(name):
    """Whether a set lies in REFVI_DATA/uci; its content is checked when it is read."""
    return folder() is not None and (folder() / "uci" / name / "data.txt").is_file()


def stands_in(name):
    """What a report says where a toy set stands in for a UCI set."""
    return f"{named()}{', without uci/' + name if folder() else ''}: this is a toy set, drawn anew on every run"


def read(name, part, root):
    """One table of a set; FileNotFoundError says where the files belong."""
    if name not in SETS:
        raise ValueError(f"no UCI set {name!r}, expected one of {', '.join(SETS)}")
    root = Path(root) if root else folder() and folder() / "uci"
    path = root and root / name / f"{part}.txt"
    if not path or not path.exists():
        raise FileNotFoundError(
            f"no {name}/{part}.txt under {root or f'REFVI_DATA/uci ({named()})'}: put data.txt, index_features.txt, "
            f"index_target.txt and the splits there, or set REFVI_DATA to the folder that holds uci/{name}"
        )
    return np.loadtxt(path, encoding="utf-8")


def load(name, root=None):
    """A set in its own units; root defaults to REFVI_DATA/uci. ValueError names the first value that is not finite."""
    table, features, target = (read(name, part, root) for part in ("data", "index_features", "index_target"))
    require_finite(f"{name}/data.txt", table)
    return Regression(f"UCI {name}", table[:, features.astype(int)], table[:, int(target)])


def split(name, number, root=None):
    """(train, test) indices of split 0..19; ValueError if the two overlap."""
    train, test = (read(name, f"index_{part}_{number}", root).astype(int) for part in ("train", "test"))
    if len(np.intersect1d(train, test)):
        raise ValueError(f"split {number} of {name} has {len(np.intersect1d(train, test))} data in both train and test")
    return train, test

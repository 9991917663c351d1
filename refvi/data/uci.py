"""UCI regression sets with the splits of Hernandez-Lobato and Adams (2015) and Gal and Ghahramani (2016)."""
from pathlib import Path

import numpy as np

from refvi.data.sources import SOURCES
from refvi.data.store import Regression, folder, named, places
from refvi.data.tables import read_indices, read_table

SETS = tuple(name for name, source in SOURCES.items() if source.folder.startswith("uci/"))
SPLITS = 20


def at_hand(name):
    """Whether a set lies in REFVI_DATA/uci or the cache; its content is checked when it is read."""
    return any((place / name / "data.txt").is_file() for place in places("uci"))


def stands_in(name):
    """What a report says where a toy set stands in for a UCI set."""
    return f"{named()}{', without uci/' + name if folder() else ''}: this is a toy set, drawn anew on every run"


def place(name, part, root):
    """The path of one file of a set; FileNotFoundError says where the files belong."""
    if name not in SETS:
        raise ValueError(f"no UCI set {name!r}, expected one of {', '.join(SETS)}")
    roots = [Path(root)] if root else places("uci")
    for path in (root / name / f"{part}.txt" for root in roots):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"no {name}/{part}.txt in {' or '.join(map(str, roots))} ({named()}): run `refvi data fetch {name}`, or put "
        "data.txt, index_features.txt, index_target.txt and the splits there"
    )


def load(name, root=None):
    """A set in its own units, from root or else REFVI_DATA/uci or the cache; ValueError names file, line and remedy."""
    table = read_table(place(name, "data", root))
    features = read_indices(place(name, "index_features", root), below=table.shape[1])
    path = place(name, "index_target", root)
    target = read_indices(path, below=table.shape[1])
    if len(target) != 1:
        raise ValueError(f"{path} names {len(target)} targets, expected one column")
    if target[0] in features:
        raise ValueError(f"{path}: column {target[0]} is the target and a feature: take it out of index_features.txt")
    return Regression(f"UCI {name}", table[:, features], table[:, target[0]])


def split(name, number, root=None):
    """(train, test) indices of split 0..19; ValueError if the two overlap."""
    train, test = (read_indices(place(name, f"index_{part}_{number}", root)) for part in ("train", "test"))
    both = len(np.intersect1d(train, test))
    if both:
        raise ValueError(f"split {number} of {name} has {both} data in both train and test")
    return train, test

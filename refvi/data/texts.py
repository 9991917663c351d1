"""Sets of several text files with a sentence on each line: looked for, read, told of where others stand in, and split.
"""
from pathlib import Path

import numpy as np

from refvi.base.files import text_of
from refvi.data.store import folder, named, places


def complete(place, names):
    """Whether all files lie in a folder."""
    return all((place / name).is_file() for name in names)


def at_hand(set_name, names):
    """Whether a set lies in REFVI_DATA or the cache; its content is checked when it is read."""
    return any(complete(place, names) for place in places(set_name))


def stands_in(set_name, what):
    """What a report says where something else stands in for a set."""
    return f"{named()}{f', without {set_name}/' if folder() else ''}: these are {what}, drawn anew on every run"


def read(set_name, names, root=None):
    """(path, its lines), one for each file, from root or else REFVI_DATA or the cache. FileNotFoundError says where
    the files belong, ValueError which of them holds no words.
    """
    roots = [Path(root)] if root else places(set_name)
    place, found = next((place for place in roots if complete(place, names)), roots[0]), []
    for name in names:
        path = place / name
        if not path.exists():
            raise FileNotFoundError(f"no {name} under {' or '.join(map(str, roots))} ({named()}): put "
                                    f"{' and '.join(names)} there, or run `refvi data fetch {set_name}`")
        lines = text_of(path).splitlines()
        if not any(line.strip() for line in lines):
            raise ValueError(f"{path} holds no sentences: it is empty, copy it again")
        found.append((path, lines))
    return found


def split(rng, N, *shares):
    """Indices of N sentences in random order: those to learn from, then for each share one of so many, held out.

    ValueError where there are too few for that.
    """
    if N < max(shares):
        raise ValueError(f"{N} sentences are too few: one of {max(shares)} is held out")
    *held, train = np.split(rng.permutation(N), np.cumsum([N // share for share in shares]))
    return train, *held

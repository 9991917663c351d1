"""A network with all its units, and the same network under one mask: a unit that is crossed out takes its edges along.

The mask is drawn, each unit kept with probability one half, and no layer may lose all of its units. RAI.033.
"""
import numpy as np
from matplotlib.patches import Circle

SIZE = (6.4, 2.9)
SIZES = 4, 4, 4, 1


def data(rng):
    masks = [np.zeros(n, bool) for n in SIZES[:-1]]
    while not all(0 < mask.sum() < len(mask) for mask in masks):
        masks = [rng.random(n) < 0.5 for n in SIZES[:-1]]
    return dict(random_kept=np.array(masks))


def draw(figure, random_kept):
    full = [np.ones(n, bool) for n in SIZES]
    for axes, kept, title in zip(figure.subplots(1, 2), (full, [*random_kept, full[-1]]), ("all units", "one mask")):
        axes.set_aspect("equal")
        axes.axis("off")
        axes.set(title=title, xlim=(-0.5, 4.7), ylim=(-0.4, 3.4))
        for level, (left, right) in enumerate(zip(kept, kept[1:])):
            for i in np.flatnonzero(left):
                for j in np.flatnonzero(right):
                    axes.plot(*zip(place(level, i), place(level + 1, j)), color="0.55", linewidth=0.7, zorder=1)
        for level, mask in enumerate(kept):
            for i, on in enumerate(mask):
                unit(axes, place(level, i), on)


def place(level, i):
    """Where unit i of a layer stands."""
    return 1.4 * level, i + (4 - SIZES[level]) / 2


def unit(axes, centre, on):
    axes.add_patch(Circle(centre, 0.27, facecolor="white", edgecolor="black" if on else "0.6", zorder=2))
    if not on:
        for slope in (-1, 1):
            axes.plot(centre[0] + np.array([-0.19, 0.19]), centre[1] + slope * np.array([-0.19, 0.19]), color="black",
                      linewidth=1.4, zorder=3)

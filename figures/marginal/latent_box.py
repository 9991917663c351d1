"""Boxes that nobody drew are found, the large ones sharply. WI.10, UA.007.

Sixty images of eight by eight pixels, each with a box of its own; pixels are bright with probability 0.25 outside of it
and 0.75 in it. EM from 0.4 and 0.6 learns both. Top: the images with the largest box, the middle one and the smallest.
Bottom: the posterior probability of each pixel to lie in the box. Lines: the box that the image was drawn with.
"""
import numpy as np
from matplotlib.patches import Rectangle

from refvi.marginal.trees import boxes

SIZE = (5.6, 3.7)
N, SIDE, TRUTH, START = 60, 8, (0.25, 0.75), (0.4, 0.6)


def data(rng, steps=50):
    masks = boxes.all_boxes(SIDE, SIDE)
    true = masks[rng.integers(0, len(masks), N)]
    x = 1. * (rng.random(true.shape) < np.where(true == 1, TRUTH[1], TRUTH[0]))
    p = np.array(START)
    for _ in range(steps):
        p = boxes.shared_again(x, masks, p)
    chosen = np.argsort(-true.sum(axis=1))[[0, N // 2, N - 1]]
    return dict(random_p=p, random_images=x[chosen], random_boxes=true[chosen],
                random_shares=boxes.pixels_in_box(x, masks, p)[chosen])


def draw(figure, random_p, random_images, random_boxes, random_shares):
    panels = figure.subplots(2, 3)
    for column, image, box, share in zip(panels.T, random_images, random_boxes, random_shares):
        rows, columns = np.nonzero(box.reshape(SIDE, SIDE))
        corner = columns.min() - 0.5, rows.min() - 0.5
        for axes, picture in zip(column, (image, share)):
            shown = axes.imshow(picture.reshape(SIDE, SIDE), cmap="gray", vmin=0, vmax=1)
            axes.add_patch(Rectangle(corner, np.ptp(columns) + 1, np.ptp(rows) + 1, fill=False, edgecolor="C2",
                                     linewidth=2, clip_on=False))
            axes.set(xticks=[], yticks=[])
    panels[0, 0].set_ylabel("image")
    panels[1, 0].set_ylabel("P(in the box)")
    figure.colorbar(shown, ax=panels[1], shrink=0.9)

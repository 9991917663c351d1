"""A bright box in a dark image, which nobody drew around: the sum over all boxes, their posterior, EM. WI and UA, "Two
Machine Learning Paradigms".

Shapes: images x (N, D) of zeros and ones, D = height times width; masks (B, D), one where a pixel lies in a box; p (2,)
the probabilities that a pixel is bright outside of the box and in it.
"""
import autograd.numpy as np

from refvi.base.checks import require_count
from refvi.base.special import logsumexp

MOST = 2**25        # pixels of all masks


def all_boxes(height, width):
    """masks (B, D) of all B = height (height + 1) width (width + 1) / 4 boxes; ValueError where they are too many."""
    B = require_count("height", height) * (height + 1) * require_count("width", width) * (width + 1) // 4
    if B * height * width > MOST:
        raise ValueError(f"{B:,} boxes in an image of {height} by {width} pixels are too many to list: make it "
                         "smaller, or climb a bound (refvi.bound.elbo)")
    rows, columns = (np.array([(np.arange(n) >= a) & (np.arange(n) < b) for a in range(n) for b in range(a + 1, n + 1)])
                     for n in (height, width))
    return 1. * (rows[:, None, :, None] & columns[None, :, None, :]).reshape(B, height * width)


def log_joint(x, masks, p):
    """log p(image, box) (N, B) in nats; all boxes are equally probable."""
    outside, within = (x * np.log(share) + (1 - x) * np.log(1 - share) for share in p)
    return np.sum(outside, axis=1)[:, None] + np.dot(within - outside, masks.T) - np.log(len(masks))


def evidence_over_boxes(x, masks, p):
    """log p(image) (N,) in nats."""
    return logsumexp(log_joint(x, masks, p), axis=1)


def pixels_in_box(x, masks, p):
    """P(pixel lies in the box | image) (N, D)."""
    joint = log_joint(x, masks, p)
    return np.dot(np.exp(joint - logsumexp(joint, axis=1)[:, None]), masks)


def shared_again(x, masks, p):
    """p after one step of EM: bright pixels over pixels, each shared out by where it is expected to lie."""
    within = pixels_in_box(x, masks, p)
    return np.array([np.sum(share * x) / np.sum(share) for share in (1 - within, within)])

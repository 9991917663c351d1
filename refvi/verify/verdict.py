"""What is said of one row, and when two numbers are equal, apart or in order without any chance."""
from typing import Any, NamedTuple

import numpy as np

from refvi.verify.trial import FAIL, PASS, UNDERPOWERED

EXACT = 1e-8                # exact rows agree to this fraction of the scale
SMALL = 1e-10               # and each coordinate to EXACT of its own size, or this fraction of the scale
DIGITS = 1e-12              # a gap beyond this fraction of the scale is told in digits
CARRIED = 0.01              # the largest error that a deterministic row may carry, as a fraction of the scale
MUCH, BESIDE = 0.10, 1e-3    # and of the size of each coordinate, unless that is small beside the scale
EFFECT = 0.10               # what every check must see, as a fraction of the scale; by how much a wrong row must differ
BOUNDS = {r"\ge": -1, r"\le": 1}    # sign of row minus reference that the relation claims
DIFFERENT = {*BOUNDS, r"\ne"}       # relations that do not claim equality: each begins a segment


class Result(NamedTuple):
    """The verdict on one row; numbers are None where there is nothing to say."""
    chain: str
    stage: str
    row: str
    relation: str
    line: int
    how: str = ""
    gap: float | None = None            # largest difference from the row it is compared with
    resolution: float | None = None     # smallest difference the comparison sees
    scale: float | None = None
    verdict: str = PASS
    message: str = ""                   # why it is not PASS
    value: Any = None
    reference: Any = None
    against: str = ""                   # the row it is held against
    pinned: tuple = ()                  # of the row that begins a segment: the two rows that pin it
    taken: tuple = ()                   # what both took from the stage, () behind what they called, and from refvi
    unpinned: str = ""                  # or why no two do
    draws: tuple = ()                   # the numbers of draws a random row was played with
    planted: tuple = ()                 # changes in a row's source: planted, refused, raised, explained
    notes: tuple = ()                   # what a reader should know of a row that passes


def tolerated(value, reference, scale, error=0.0):
    """How far each coordinate may lie off: EXACT of its own size, lest it hide beside a larger one, or twice its error.
    """
    size = np.maximum(np.abs(value), np.abs(reference))
    if not np.any(value) or not np.any(reference) or np.max(size) < EXACT * scale:
        size = scale  # zero by its own claim
    return np.maximum(np.clip(EXACT * size, SMALL * scale, EXACT * scale), 2 * error)


def exact(result, difference, tolerance, carried=EFFECT):
    """Compare without chance; a tolerance beyond carried times the scale proves nothing."""
    gap, widest = float(np.max(np.abs(difference))), float(np.max(tolerance))
    carrying = "" if widest <= EXACT * result.scale * (1 + EXACT) else f", error {widest:.0e}"
    result = result._replace(how=(result.how or "exact") + carrying, gap=gap, resolution=widest)
    if widest > carried * result.scale:
        return result._replace(verdict=UNDERPOWERED,
                               message=f"its own error {widest:.2g} exceeds {100 * carried:g} % of the scale "
                               f"{result.scale:.2g}: it could not fail")
    message = objection(result, np.asarray(difference), np.asarray(tolerance))
    return result._replace(verdict=FAIL, message=message) if message else result


def objection(result, difference, tolerance):
    """Why the claimed relation does not hold up to the tolerance, "" where it does."""
    if result.relation in BOUNDS:
        room = BOUNDS[result.relation] * difference
        if np.all(room > tolerance):
            return ""
        if np.any(room < -tolerance):
            return "the bound is violated"
        return "equal on this stage: a bound that does not bind is no check, open the gap"
    if result.relation == r"\ne":
        if np.any(np.abs(difference) > EFFECT * result.scale + tolerance):
            return ""
        return "marked as wrong, but right to within 10 % of scale: correct the relation or the stage's numbers"
    off = np.abs(difference) - tolerance
    if np.all(off <= 0):
        return ""
    if np.max(np.abs(difference)) > np.max(tolerance):
        return "the two rows differ"
    coordinate = ", ".join(map(str, np.unravel_index(np.argmax(off), np.shape(off))))
    return f"the two rows differ in coordinate {coordinate}, which is small beside the scale {result.scale:.2g}"

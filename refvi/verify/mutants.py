"""A check that cannot fail is no check: plant a small mistake in every row, and see that the row is refused.

Mutants of a row: shifted in one coordinate by the larger of 10 % of scale and twice its resolution; its sign turned,
unless it is zero by its own claim; a bound's row moved to the other side; a row marked as wrong made right. A random
row's mutants meet the rule of its noise, and the first of them draws alone as well.
"""
import numpy as np

from refvi.verify.draws import N1
from refvi.verify.play import hold
from refvi.verify.trial import ALPHA, FAIL, PASS
from refvi.verify.verdict import BOUNDS, EFFECT, EXACT, Result

COORDINATES = 4             # shifted one by one; more are not worth the time
STRIKES = ALPHA[:2]         # of draws that refuse a mutant: by chance, once in a hundred thousand


def plant(cast, stream, results, announce=lambda tag: None):
    """One Result that counts the mutants of a Cast's chain, given the results of its rows, or one for each mutant that
    was not refused.
    """
    planted, alive = 0, []
    told, done = {result.row: result for result in results}, {played.row.tag: played for played in cast.done}
    for row in cast.chain.rows:
        judged = told[row.tag] if told[row.tag].against else follower_of(row, results)
        if judged is None or judged.verdict != PASS:
            continue
        other = done[judged.against if judged.row == row.tag else judged.row]
        for number, (name, change) in enumerate(mutants(judged, judged.row == row.tag)):
            mutant = alter(done[row.tag], change) if change else crossed(done[row.tag], other, judged, cast, stream)
            altered = cast._replace(done=[mutant if played.row is row else played for played in cast.done])
            for use_rule in (True, False) if number == 0 and done[judged.row].random else (True,):
                announce(row.tag)
                planted += 1
                if passes(altered, done[judged.row].row, stream, name, use_rule):
                    alive.append(accused(told[row.tag], name if use_rule else f"{name}, by draws alone"))
    counted = f"{planted} planted, all refused"
    return alive or [Result(cast.chain.name, cast.label, "mutants", "", cast.chain.line, counted)]


def passes(cast, row, stream, name, use_rule):
    held = hold(cast, row, lambda tag, strike: stream(tag, f"{name} {strike}"), use_rule, STRIKES)
    return held.verdict == PASS


def accused(result, name):
    message = f"{name}: still PASS, so this check sees nothing: choose stage values on which the row matters"
    return result._replace(how="mutant", verdict=FAIL, message=message)


def crossed(played, other, judged, cast, stream):
    """What an inequality must refuse: a bound's row on the other side, a slip's row made right."""
    if judged.relation in BOUNDS:
        return moved(played, other, judged)
    if played.random:
        return played._replace(at=other.at if other.random else lambda eps: np.tile(other.value.ravel(), (len(eps), 1)))
    right = other.value
    if other.random:
        noise, S = cast.values["noise"], cast.values["S"]
        right = np.mean(other.at(noise.draw(stream(played.row.tag, "made right"), N1, S)), axis=0).reshape(played.shape)
    return played._replace(value=right, whole=None)


def moved(played, other, judged):
    """A row of a bound on the other side of the row it is compared with, draw by draw where both are random."""
    if not other.random:
        return alter(played, lambda v: 2 * other.value - v)
    if played.random:
        return played._replace(at=lambda eps: 2 * other.at(eps) - played.at(eps))
    side = BOUNDS[judged.relation] if judged.row == played.row.tag else -BOUNDS[judged.relation]
    return alter(played, lambda v: v - 2 * side * judged.gap)


def alter(played, change):
    """The row with a mistake in what it returns."""
    if not played.random:
        return played._replace(value=change(played.value), whole=None)
    return played._replace(at=lambda eps: change(played.at(eps).reshape(-1, *played.shape)).reshape(len(eps), -1))


def follower_of(row, results):
    """The comparison that judges the first row: one that claims equality with it, or else a bound."""
    held = [result for result in results if result.against == row.tag and result.relation != r"\ne"]
    return min(held, key=lambda result: result.relation in BOUNDS, default=None)


def mutants(judged, is_row):
    """(name, change) pairs for the row of a comparison, or for the one above it; None: see crossed."""
    value = np.asarray(judged.value, float)
    beside_random = judged.reference is None            # what was compared is a difference, held against zero
    reference = np.zeros(value.shape) if beside_random else np.asarray(judged.reference, float)
    value = value.reshape(reference.shape)
    mine, other = (value, reference) if is_row else (reference, value)
    if judged.relation in BOUNDS:
        yield "moved across the gap", None
    elif judged.relation == r"\ne":
        yield "made right", None
    else:
        size = max(EFFECT * judged.scale, 2 * judged.resolution)
        for c in range(min(mine.size, COORDINATES)):
            step = np.zeros(mine.size)
            step[c] = size
            yield f"shifted by {size:.2g} in coordinate {c}", lambda v, step=step: v + step.reshape(mine.shape)
        for c in np.flatnonzero(2 * np.abs(other) > max(EXACT * judged.scale, 2 * judged.resolution))[:COORDINATES]:
            turned = np.ones(mine.size)
            turned[c] = -1.0
            where = f" in coordinate {c}" if mine.size > 1 else ""
            yield f"its sign turned{where}", lambda v, turned=turned: v * turned.reshape(mine.shape)

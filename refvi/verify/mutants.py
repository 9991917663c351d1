"""A check that cannot fail is no check: plant a small mistake in every row, and see that the row is refused.

Mutants of a row: shifted in one coordinate by the larger of 10 % of scale and twice its resolution; its sign turned, unless it is
zero by its own claim; a bound's row moved to the other side; a row marked as wrong made right. A random row's mutants meet the rule
of its noise, and the first of them draws alone as well: one strike, since the others only spare what is right.
"""
import numpy as np

from refvi.verify.play import hold
from refvi.verify.trial import ALPHA, FAIL, PASS
from refvi.verify.verdict import BOUNDS, EFFECT, EXACT, Result

COORDINATES = 4             # shifted one by one; more are not worth the time


def plant(cast, stream, results, announce=lambda tag: None):
    """One Result that counts the mutants of a Cast's chain, given the results of its rows, or one for each mutant that was not refused."""
    planted, alive = 0, []
    told = {result.row: result for result in results}
    rows = {row.tag: row for row in cast.chain.rows}
    random = {played.row.tag for played in cast.done if played.random}
    for row in cast.chain.rows:
        judged = told[row.tag] if told[row.tag].against else follower_of(row, results)
        if judged is None or judged.verdict != PASS:
            continue
        for number, (name, change) in enumerate(mutants(judged, judged.row == row.tag)):
            altered = cast._replace(done=[alter(played, change) if played.row is row else played for played in cast.done])
            for use_rule in (True, False) if number == 0 and judged.row in random else (True,):
                announce(row.tag)
                planted += 1
                if hold(altered, rows[judged.row], lambda tag, strike: stream(tag, f"{name} {strike}"), use_rule, ALPHA[:1]).verdict == PASS:
                    alive.append(told[row.tag]._replace(how="mutant", verdict=FAIL, message=f"{name}{'' if use_rule else ', by draws alone'}: still PASS, "
                                                        "so this check sees nothing: choose stage values on which the row matters"))
    return alive or [Result(cast.chain.name, cast.label, "mutants", "", cast.chain.line, f"{planted} planted, all refused")]


def alter(played, change):
    """The row with a mistake in what it returns."""
    if not played.random:
        return played._replace(value=change(played.value))
    return played._replace(at=lambda eps: change(played.at(eps).reshape(-1, *played.shape)).reshape(len(eps), -1))


def follower_of(row, results):
    """The comparison that judges the first row: one that claims equality with it, or else a bound."""
    held = [result for result in results if result.against == row.tag and result.relation != r"\ne"]
    return min(held, key=lambda result: result.relation in BOUNDS, default=None)


def mutants(judged, is_row):
    """(name, change) pairs for the row of a comparison, or for the one it is held against."""
    value = np.asarray(judged.value, float)
    reference = np.zeros(value.shape) if judged.reference is None else np.asarray(judged.reference, float)      # None: a difference, held against zero
    value = value.reshape(reference.shape)
    mine, other = (value, reference) if is_row else (reference, value)
    if judged.relation in BOUNDS:
        yield "moved across the gap", lambda v: 2 * other - v
    elif judged.relation == r"\ne":
        yield "made right", lambda v: v + (other - mine)
    else:
        size = max(EFFECT * judged.scale, 2 * judged.resolution)
        for c in range(min(mine.size, COORDINATES)):
            step = np.zeros(mine.size)
            step[c] = size
            yield f"shifted by {size:.2g} in coordinate {c}", lambda v, step=step: v + step.reshape(mine.shape)
        if np.max(np.abs(other)) > EXACT * judged.scale:
            yield "its sign turned", lambda v: -v

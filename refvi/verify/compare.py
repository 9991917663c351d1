r"""Hold one row against another: exactly, through the rule of its noise, and by draws.

A random row's expectation is taken by the rule of its noise, which needs no chance at all, and by draws in the trial of
three strikes. A rule is evidence: where it refuses a row, six of its orders have to agree, and draws that could see its
gap must not contradict it; else the draws decide. What claims equality is held against the row above it with S and with
S + 1 draws.
"""
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from refvi.verify.document import Fault, Refusal
from refvi.verify.draws import by_draws
from refvi.verify.perform import PILOT, draw
from refvi.verify.trial import ALPHA, FAIL, PASS, UNDERPOWERED
from refvi.verify.verdict import BESIDE, CARRIED, DIFFERENT, DIGITS, EFFECT, MUCH, exact, tolerated

ORDERS = (64, 40, 26, 19)   # of the noise's rule: the finest that fits, and beside it three quarters of it
LOWER = 5                   # further orders that a rule is tried at before its refusal counts
NOISE = 1e-15               # of the scale: below it numbers are what rounding leaves of zero
SETTLED = 0.2               # they may differ by this fraction of the gap
SOME = 100                  # nodes that are tried among as many draws
FEWER = (2, 1)              # draws with which a rule is tried that is too large for S


class Chance(NamedTuple):
    """What a comparison with chance in it may use."""
    noise: Any
    stream: Any                 # strike -> a generator
    use_rule: bool
    alpha: tuple                # the levels of the strikes; fewer for mutants
    keep: Any                   # is shown the first strike
    effect: Any                 # the smallest bias that matters, where the stage declares it
    only_rule: bool             # a rule that passes decides: nothing is drawn but where there is none


def compare(played, reference, result, values, stream, use_rule=True, alpha=ALPHA, keep=None, only_rule=False):
    """The verdict on a row beside its reference; stream(strike): the row's generator. The rest: see Chance."""
    result = result._replace(value=shown(played), reference=shown(reference))
    require_relation(played, reference, result.relation)
    if not played.random and not reference.random:
        return exactly(played, reference, result)
    chance = Chance(values["noise"], stream, use_rule, alpha, keep, values.get("effect"), only_rule)
    hold = draw_by_draw if result.relation == "=" else on_average
    held = hold(values["S"], played, reference, result, chance)
    if held.verdict != PASS or result.relation in DIFFERENT or not played.random:
        return held
    return with_other_draws(values["S"], played, reference, result, held, chance, hold)


def shown(played):
    """The value of a deterministic row as lists of numbers."""
    if played.random:
        return None
    return (played.value if played.whole is None else played.whole).tolist()


def require_relation(played, reference, relation):
    """A Fault where a relation makes no sense between what is random and what is not."""
    if relation == r"\approx" and not played.random:
        raise Fault(r"\approx before a row without eps",
                    r"an estimate takes eps; a biased approximation is written with \le, \ge, \ne or its bias")
    if relation == "=" and played.random != reference.random:
        raise Fault(f"= between a random row and {{{reference.row.tag}}}",
                    r"write \approx: a random row has its expectation only on average")


def exactly(played, reference, result):
    """Two deterministic rows; integers have to be the same, and an equality that holds to few digits says so."""
    error, scale = played.error + reference.error, result.scale
    if result.relation != "=":
        return exact(result, played.value - reference.value, tolerated(played.value, reference.value, scale, error))
    if played.whole is not None and reference.whole is not None:
        gap = np.max(np.abs(played.whole - reference.whole))
        held = result._replace(how="integers", gap=float(gap), resolution=0.0)
        return held._replace(verdict=FAIL, message="the two rows differ") if gap else held
    tolerance = tolerated(played.value, reference.value, scale, error)
    held = exact(result, played.value - reference.value, tolerance, CARRIED)
    size = np.maximum(np.abs(played.value), np.abs(reference.value))
    vague = (2 * error > MUCH * size) & (size > BESIDE * scale)
    if held.verdict == PASS and np.any(vague):
        return held._replace(verdict=UNDERPOWERED,
                             message=f"carries an error of {np.max(error[vague] / size[vague]):.0%} of the "
                             "value in a coordinate: it could not fail there")
    if held.verdict == PASS:
        held = held._replace(notes=held.notes + too_small(played.value, reference.value, scale))
    if held.verdict == PASS and held.how == "exact" and held.gap > DIGITS * scale:
        return held._replace(how=f"exact to {int(-np.log10(held.gap / scale))} digits")
    return held


def too_small(value, reference, scale):
    """A note on the coordinates in which two rows differ that pass: so small beside the scale that rounding may differ
    as much.
    """
    value, reference = np.ravel(value), np.ravel(reference)
    size = np.minimum(np.abs(value), np.abs(reference))
    far = np.flatnonzero((np.abs(value - reference) > EFFECT * size) & (size > NOISE * scale))
    if not len(far):
        return ()
    c = far[0]
    return (f"in coordinate {', '.join(map(str, far[:4]))} the two differ, {value[c]:.3g} and {reference[c]:.3g}: too "
            f"small beside the scale {scale:.2g} to be held; let a row return its logarithm, or a part of it",)


def draw_by_draw(S, played, reference, result, chance, draw_too=True):
    """Two random rows on the same draws."""
    eps = draw(chance.noise, chance.stream(0), PILOT, S)
    left, right = played.at(eps), reference.at(eps)
    size = max(result.scale, float(np.max(np.abs(right))))  # of single draws, which may exceed their mean
    return exact(
        result._replace(how=f"exact on {PILOT:,} draws", scale=size), left - right, tolerated(left, right, size)
    )


def on_average(S, played, reference, result, chance, draw_too=True):
    """The mean of a row of S draws, or of its difference from a random row; without draw_too a rule that passes
    decides.
    """
    at, target, tolerance = averaged(played, reference, result.scale)
    ruled = by_rule(S, at, target, tolerance, result, chance)
    if ruled and ruled.verdict == PASS and (chance.only_rule or not draw_too):
        return ruled
    condemned = ruled and ruled.verdict == FAIL
    if condemned and len(chance.alpha) < len(ALPHA):
        return ruled
    if ruled:
        result = result._replace(how=ruled.how, notes=ruled.notes, value=ruled.value)
    drawn = by_draws(
        result, at, chance.noise, S, target, tolerance, chance.stream, chance.alpha, chance.keep, chance.effect
    )
    if condemned and not (drawn.verdict == PASS and 2 * drawn.resolution < ruled.gap):
        return ruled
    return drawn


def averaged(played, reference, scale):
    """(at, target, tolerance): what is averaged over draws, and the number that its mean is held against."""
    if reference.random:        # a difference on the same noise, held against zero
        mine = played.at if played.random else lambda eps: played.value.reshape(1, -1)
        at, target = (lambda eps: mine(eps) - reference.at(eps)), np.zeros(max(1, int(np.prod(played.shape))))
    else:
        at, target = played.at, reference.value.reshape(-1)
    return at, target, tolerated(target, target, scale, np.reshape(played.error + reference.error, -1))


def by_rule(S, at, target, tolerance, result, chance):
    """The verdict of the noise's rule, UNDERPOWERED with a note where it is rough; None where there is no rule for S
    draws.
    """
    try:
        ruled = expectation(at, chance.noise, S) if chance.use_rule else None
    except Fault as fault:
        return result._replace(
            verdict=UNDERPOWERED, notes=(f"not computed on the nodes of the noise's rule: {fault.message}",)
        )
    if ruled is None:
        return None
    mean, error = ruled
    require_alike(S, at, chance)
    held = exact(result._replace(how="rule"), mean - target, np.maximum(tolerance, 2 * error))
    held = held._replace(how=held.how.replace("rule", f"rule {held.gap:.0e}"), value=result.value or mean.tolist())
    if held.verdict == UNDERPOWERED:
        return held._replace(
            how="", notes=(f"the noise's rule is rough here, by {np.max(error):.0e}: the draws decide",)
        )
    if held.verdict == FAIL:
        away, rough = (np.abs(mean - target),
                       np.max([np.abs(mean - other) for other in lower_orders(at, chance.noise, S)], axis=0))
        refused = away > tolerance if result.relation == r"\approx" else True
        if not np.any(refused & (rough < SETTLED * np.maximum(away, tolerance))):
            return held._replace(
                verdict=UNDERPOWERED,
                how="",
                notes=(
                    f"the noise's rule lies {held.gap:.0e} off, but its orders differ by "
                    f"{np.max(rough):.0e}: the draws decide",
                ),
            )
    return held


@lru_cache(maxsize=16)
def nodes_of(noise, S, order):
    """(eps, weights) of a noise's rule, or None; the rows of a chain share a few of them."""
    return noise.rule(S, order)


def order_of(noise, S):
    """The finest order at which the noise's rule fits, None where none does."""
    return next((order for order in ORDERS if nodes_of(noise, S, order) is not None), None) if noise.rule else None


def expectation(at, noise, S):
    """(mean, error), coordinate by coordinate, by the noise's rule at two orders, or None where no order fits."""
    order = order_of(noise, S)
    if order is None:
        return None
    (mean, mass), (second, _) = ((weights @ at(eps), np.sum(weights))
                                 for eps, weights in (nodes_of(noise, S, n) for n in (order, order * 3 // 4)))
    return mean, np.abs(mean - second) + np.abs(mean) * abs(mass - 1)


def lower_orders(at, noise, S):
    """The means of a rule at five orders down to half of its finest."""
    order = order_of(noise, S)
    for step in range(1, LOWER + 1):
        eps, weights = noise.rule(S, order - step * max(1, order // (2 * LOWER)))
        yield weights @ at(eps)


def require_alike(S, at, chance):
    """A Fault where a row gives another value on nodes of the rule than on the same nodes among draws."""
    nodes = nodes_of(chance.noise, S, order_of(chance.noise, S))[0]
    some = nodes[:: max(1, len(nodes) // SOME)]
    among = at(np.concatenate([draw(chance.noise, chance.stream("nodes"), SOME, S), some]))[SOME:]
    if not np.allclose(among, at(some), rtol=1e-9, atol=1e-12 * np.max(np.abs(among))):
        raise Fault(
            "mixes its repetitions: on the nodes of its noise's rule it gives another value alone than among draws",
            "average over the draw axis only",
        )


def with_other_draws(S, played, reference, result, held, chance, hold):
    """The row that passed with S draws, with S + 1 (or S + 2) of them, and by its rule with fewer where that fits those
    only.
    """

    def again(number, hold=hold):
        other = reference.with_draws(number) if reference.with_draws else reference
        streams = chance._replace(stream=lambda strike: chance.stream(f"S = {number} {strike}"), keep=None)
        return hold(number, played, other, result, streams, draw_too=False)

    played_with, notes = (S,), held.notes
    for more in (S + 1, S + 2):
        try:
            chance.noise.draw(chance.stream(f"S = {more}"), 1, more)
            other = again(more)
        except (ValueError, Refusal) as refusal:
            refused = refusal.message if isinstance(refusal, Refusal) else str(refusal)
            continue
        except Fault as fault:
            raise Fault(f"with S = {more} draws: {fault.message}", fault.remedy) from None
        if other.verdict != PASS:
            return untrue_for(more, other)
        played_with += (more,)
        break
    else:
        notes += (f"S = {S} only: {refused}",)
    if hold is on_average and chance.use_rule and "rule" not in held.how:
        for few in FEWER:
            if few < S and few not in played_with and order_of(chance.noise, few):
                ruled = again(few, by_rule_alone)
                if ruled.verdict == FAIL:
                    return untrue_for(few, ruled)
                played_with += (few,) * (ruled.verdict == PASS)
                break
    return held._replace(draws=tuple(sorted(played_with)), notes=notes)


def by_rule_alone(S, played, reference, result, chance, draw_too=False):
    return by_rule(S, *averaged(played, reference, result.scale), result, chance)


def untrue_for(number, result):
    return result._replace(
        message=f"with S = {number} draws: {result.message}; if S is part of the claim, let the rows above take it, "
        "or the noise refuse any other: tied(noise(q, lam), S)"
    )

r"""Hold one row against another: exactly, through the rule of its noise, or by draws.

A random row's expectation is first taken by the rule of its noise at two orders, which needs no chance at all, and then by draws in
the trial of three strikes. The result says how large the gap is and how small a gap would have been seen, its resolution.
"""
from typing import Any, NamedTuple

import numpy as np

from refvi.verify.document import Fault, Refusal
from refvi.verify.perform import PILOT, draw
from refvi.verify.trial import ALPHA, FAIL, INCONCLUSIVE, PASS, SIGMAS, UNDERPOWERED, escalate, moments

EXACT = 1e-8                # exact rows agree to this fraction of the scale
SMALL = 1e-10               # and each coordinate to EXACT of its own size, or this fraction of the scale
CARRIED = 0.01              # the largest error that a deterministic row may carry, as a fraction of the scale
EFFECT = 0.10               # what every check must see, as a fraction of the scale; by how much a wrong row must differ
N1, BUDGET = 10_000, 2_000_000      # repetitions of the first strike: at least, at most
MARGIN = 2.                 # the sd of a pilot may be too small by this factor
TRUSTED = 4                 # a pilot is trusted to ask for this many times its own size, or for N1
ORDERS = (64, 40, 26, 19)   # of the noise's rule, the finest that fits is taken; its second order is three quarters of it
BLOCK = 2**16               # draws held at once
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
    message: str = ""
    value: Any = None
    reference: Any = None
    against: str = ""                   # the row it is held against
    pinned: tuple = ()                  # of the row that begins a segment: the two rows that pin it
    unpinned: str = ""                  # or why no two do


def compare(played, reference, result, values, stream, use_rule=True, alpha=ALPHA, keep=None):
    """The verdict on a row beside its reference; what claims equality is held against it with S and with S + 1 draws.

    stream(strike): the row's generator; use_rule: whether the noise's rule is asked first; alpha: the levels of the strikes;
    keep(draws, target) is shown the first strike.
    """
    result = compare_with(values.get("S"), played, reference, result, values, stream, use_rule, alpha, keep)
    if not played.random or result.verdict != PASS or result.relation in DIFFERENT:
        return result
    S = values["S"]
    for more in (S + 1, S + 2):
        try:
            values["noise"].draw(stream(f"S = {more}"), 1, more)
            other = reference.with_draws(more) if reference.with_draws else reference
            again = compare_with(more, played, other, result._replace(how=""), values, lambda strike: stream(f"S = {more} {strike}"),
                                 use_rule, alpha, rule_decides=True)
        except (ValueError, Refusal) as refusal:
            refused = refusal.message if isinstance(refusal, Refusal) else refusal
        except Fault as fault:
            raise Fault(f"with S = {more} draws: {fault.message}", fault.remedy) from None
        else:
            if again.verdict == PASS:
                return result._replace(how=f"{result.how}, S = {S}, {more}")
            return again._replace(message=f"with S = {more} draws: {again.message}; if S is part of the claim, let the rows above take it, "
                                          "or the noise refuse any other: tied(noise(q, lam), S)")
    return result._replace(how=f"{result.how}, S = {S} only", message=f"S = {S} only: {refused}")


def compare_with(S, played, reference, result, values, stream, use_rule=True, alpha=ALPHA, keep=None, rule_decides=False):
    """The verdict on a row of S draws; rule_decides: where the noise's rule passes the row, nothing is drawn."""
    relation, scale = result.relation, result.scale
    result = result._replace(value=shown(played.value), reference=shown(reference.value))
    if relation == r"\approx" and not played.random:
        raise Fault(r"\approx before a row without eps", r"an estimate takes eps; a biased approximation is written with \le, \ge, \ne or its bias")
    if relation == "=" and played.random != reference.random:
        raise Fault(f"= between a random row and {{{reference.row.tag}}}", r"write \approx: a random row has its expectation only on average")
    error = played.error + reference.error
    if not played.random and not reference.random:
        tolerance = tolerated(played.value, reference.value, scale, error)
        return exact(result, played.value - reference.value, tolerance, CARRIED if relation == "=" else EFFECT)
    noise = values["noise"]
    if relation == "=":
        eps = draw(noise, stream(0), PILOT, S)
        left, right = played.at(eps), reference.at(eps)
        size = max(scale, float(np.max(np.abs(right))))     # of single draws, which may exceed their mean
        return exact(result._replace(how=f"exact on {PILOT:,} draws", scale=size), left - right, tolerated(left, right, size))
    if reference.random:        # a difference on the same noise, held against zero
        mine = played.at if played.random else lambda eps: played.value.reshape(1, -1)
        at, target = (lambda eps: mine(eps) - reference.at(eps)), np.zeros(max(1, int(np.prod(played.shape))))
    else:
        at, target = played.at, reference.value.reshape(-1)
    tolerance = tolerated(target, target, scale, np.reshape(error, -1))
    try:
        ruled = expectation(at, noise, S) if use_rule else None
    except Fault:
        if not rule_decides:
            raise
        ruled = None
    if ruled is not None:
        mean, error = ruled
        verdict = exact(result._replace(how="rule"), mean - target, np.maximum(tolerance, 2 * error))
        if rule_decides and verdict.verdict == PASS:
            return verdict
        if verdict.verdict != UNDERPOWERED and not rule_decides:
            result = verdict._replace(how=verdict.how.replace("rule", f"rule {verdict.gap:.0e}"), value=mean.tolist() if result.value is None else result.value)
        if result.verdict != PASS:
            return result
    return by_draws(result, at, noise, S, target, tolerance, stream, alpha, keep)


def tolerated(value, reference, scale, error=0.):
    """How far each coordinate may lie off: EXACT of its own size, lest it hide beside a larger one, or twice the error that the rows know of."""
    size = np.maximum(np.abs(value), np.abs(reference))
    if not np.any(value) or not np.any(reference) or np.max(size) < EXACT * scale:
        size = scale            # zero by its own claim
    return np.maximum(np.clip(EXACT * size, SMALL * scale, EXACT * scale), 2 * error)


def exact(result, difference, tolerance, carried=EFFECT):
    """Compare without chance: the claim holds up to tolerance, or it does not; a tolerance beyond carried times the scale proves nothing."""
    gap, limit, relation, widest = float(np.max(np.abs(difference))), EFFECT * result.scale, result.relation, float(np.max(tolerance))
    carrying = "" if widest <= EXACT * result.scale * (1 + EXACT) else f", error {widest:.0e}"
    result = result._replace(how=(result.how or "exact") + carrying, gap=gap, resolution=widest)
    if widest > carried * result.scale:
        return result._replace(verdict=UNDERPOWERED, message=f"its own error {widest:.2g} exceeds {100 * carried:g} % of the scale {result.scale:.2g}: it could not fail")
    if relation in BOUNDS:
        room = BOUNDS[relation] * difference
        ok = np.all(room > tolerance)
        message = "the bound is violated" if np.any(room < -tolerance) else "equal on this stage: a bound that does not bind is no check, open the gap"
    elif relation == r"\ne":
        ok, message = np.any(np.abs(difference) > limit + tolerance), "marked as wrong, but right to within 10 % of scale: correct the relation or the stage's numbers"
    else:
        off = np.abs(difference) - tolerance
        ok, message = np.all(off <= 0), "the two rows differ"
        if not ok and gap <= widest:
            message += f" in coordinate {', '.join(map(str, np.unravel_index(np.argmax(off), np.shape(off))))}, which is small beside the scale {result.scale:.2g}"
    return result if ok else result._replace(verdict=FAIL, message=message)


def expectation(at, noise, S):
    """(mean, error), coordinate by coordinate, by the noise's rule at two orders, or None where no order fits."""
    for order in ORDERS if noise.rule else ():
        fine, coarse = noise.rule(S, order), noise.rule(S, order * 3 // 4)
        if fine is not None:
            (mean, mass), (second, _) = ((weights @ at(eps), np.sum(weights)) for eps, weights in (fine, coarse))
            return mean, np.abs(mean - second) + np.abs(mean) * abs(mass - 1)
    return None


def by_draws(result, at, noise, S, target, tolerance, stream, alpha=ALPHA, keep=None):
    """Fresh draws, as many as a pilot says it takes to see a tenth of the scale (for a bound, its gap)."""
    limit, relation = EFFECT * result.scale, result.relation

    def strike_of(n, strike):
        rng, size, kept = stream(strike), max(1, BLOCK // S), []

        def blocks():
            for start in range(0, n, size):
                block = at(draw(noise, rng, min(size, n - start), S))
                if keep and strike == 0:
                    kept.append(block)
                yield block / result.scale      # whose squares neither overflow nor vanish
        m = moments(blocks())
        if kept:
            keep(np.concatenate(kept), target)
        return m._replace(mean=m.mean * result.scale, sd=m.sd * result.scale)

    def repetitions(pilot):
        """How many the first strike takes, from the spread and, for what must differ, the gap of a pilot."""
        away = np.abs(pilot.mean - target)
        wanted = {r"\le": min(limit, np.min(away)), r"\ge": min(limit, np.min(away)), r"\ne": min(limit, np.max(away) - limit)}.get(relation, limit)
        return int(np.clip((SIGMAS * MARGIN * np.max(pilot.sd) / max(wanted, np.max(tolerance)))**2, N1, BUDGET))

    n1 = repetitions(strike_of(PILOT, "pilot"))
    if n1 > max(N1, TRUSTED * PILOT):      # too few to know the spread of what varies so much
        n1 = repetitions(strike_of(n1 // TRUSTED, "second pilot"))
    if relation == r"\ne":
        first = last = strike_of(n1, 0)
        gap = np.abs(last.mean - target)
        verdict = PASS if np.any(gap - last.resolution > limit) else FAIL if np.all(gap + last.resolution < limit) else INCONCLUSIVE
    else:
        verdict, first, last, gap = escalate(strike_of, target, n1, -BOUNDS.get(relation, 0), tolerance, alpha)
    resolution = float(np.max(np.maximum(first.resolution, tolerance)))
    if verdict == PASS and relation != r"\ne" and resolution > limit:
        verdict = UNDERPOWERED
    if verdict == PASS and relation in BOUNDS and np.any(BOUNDS[relation] * gap < np.maximum(first.resolution, tolerance)):
        verdict = UNDERPOWERED
    errors = np.max(np.abs(gap) / np.maximum(last.sd / np.sqrt(last.n), tolerance))
    message = {PASS: "",
               FAIL: f"the mean of {last.n:,} fresh draws lies {errors:.1f} standard errors off, three times in a row",
               INCONCLUSIVE: "single draws carry too much of the variance: choose a stage with lighter tails",
               UNDERPOWERED: f"{n1:,} repetitions resolve {resolution:.2g}, more than 10 % of the scale {result.scale:.2g} or than the bound's gap: "
                             "lower the variance on the stage, or raise S"}[verdict]
    if relation == r"\ne" and verdict != PASS:
        message = f"marked as wrong, but {last.n:,} draws do not separate it from the truth by 10 % of scale"
    value = last.mean.tolist() if result.value is None else result.value
    return result._replace(how=", ".join(filter(None, [result.how, f"{last.n:,} draws" if np.any(last.sd > tolerance) else "does not vary"])), gap=float(np.max(np.abs(gap))),
                           resolution=resolution, verdict=verdict, message=message, value=value)


def shown(value):
    return None if value is None else np.asarray(value).tolist()

"""Hold the mean of a random row against a number by fresh draws, as many as a pilot says it takes."""
import numpy as np

from refvi.verify.perform import PILOT, draw
from refvi.verify.trial import ALPHA, FAIL, INCONCLUSIVE, PASS, SIGMAS, UNDERPOWERED, escalate, moments
from refvi.verify.verdict import BOUNDS, EFFECT, EXACT

N1, BUDGET = 10_000, 2_000_000      # repetitions of the first strike: at least, at most
MARGIN = 2.                 # the sd of a pilot may be too small by this factor
TRUSTED = 4                 # a pilot is trusted to ask for this many times its own size, or for N1
BLOCK = 2**16               # draws held at once


def by_draws(result, at, noise, S, target, tolerance, stream, alpha=ALPHA, keep=None, effect=None):
    """The verdict of draws on E[at(eps)] beside target (d,), with the relation of the result.

    Seen must be a tenth of the scale, or effect where the stage declares one, and of a bound its gap. stream(strike): a
    generator; alpha: the levels of the strikes; keep(draws, target) is shown the first strike.
    """
    relation = result.relation
    limit = np.broadcast_to(EFFECT * result.scale if effect is None else np.ravel(effect), target.shape)

    def strike_of(n, strike):
        return strike_of_draws(lambda m, rng: at(draw(noise, rng, m, S)), n, max(1, BLOCK // S), stream(strike),
                               result.scale, keep and strike == 0 and (lambda draws: keep(draws, target)))

    def repetitions(pilot):
        """How many the first strike takes, from the spread and, for what must differ, the gap of a pilot."""
        away = np.abs(pilot.mean - target)
        if relation in BOUNDS:
            wanted = np.minimum(limit, np.min(away))
        else:
            wanted = np.minimum(limit, np.max(away) - limit) if relation == r"\ne" else limit
        return int(np.clip(np.max((SIGMAS * MARGIN * pilot.sd / np.maximum(wanted, tolerance)) ** 2), N1, BUDGET))

    n1 = repetitions(strike_of(PILOT, "pilot"))
    if n1 > max(N1, TRUSTED * PILOT):  # too few to know the spread of what varies so much
        n1 = repetitions(strike_of(n1 // TRUSTED, "second pilot"))
    if relation == r"\ne":
        first = last = strike_of(n1, 0)
        gap = np.abs(last.mean - target)
        verdict = INCONCLUSIVE
        if np.any(gap - last.resolution > limit):
            verdict = PASS
        elif np.all(gap + last.resolution < limit):
            verdict = FAIL
    else:
        verdict, first, last, gap = escalate(strike_of, target, n1, -BOUNDS.get(relation, 0), tolerance, alpha)
    seen = np.maximum(first.resolution, tolerance)
    if verdict == PASS and relation in BOUNDS and np.any(BOUNDS[relation] * gap < seen):
        verdict = UNDERPOWERED
    if verdict == PASS and relation != r"\ne" and np.any(seen > limit):
        verdict = UNDERPOWERED
    told = f"{last.n:,} draws" if np.any(last.sd > tolerance) else "does not vary"
    return result._replace(
        how=", ".join(filter(None, [result.how, told])),
        gap=float(np.max(np.abs(gap))),
        resolution=float(np.max(seen)),
        verdict=verdict,
        message=reason(verdict, relation, result.scale, n1, last, gap, seen, limit, tolerance),
        value=last.mean.tolist() if result.value is None else result.value,
        notes=result.notes + (blind(seen, target, result.scale) if verdict == PASS and relation == r"\approx" else ()),
    )


def strike_of_draws(draws, n, size, rng, scale, keep=None):
    """Moments of n values of draws(m, rng) (m, d), at most size of them at once; keep is shown them all."""
    kept = []

    def blocks():
        for start in range(0, n, size):
            block = draws(min(size, n - start), rng)
            if keep:
                kept.append(block)
            yield block / scale             # whose squares neither overflow nor vanish

    m = moments(blocks())
    if keep:
        keep(np.concatenate(kept))
    return m._replace(mean=m.mean * scale, sd=m.sd * scale)


def reason(verdict, relation, scale, n1, last, gap, seen, limit, tolerance):
    """Why the draws do not pass, "" if they do."""
    if verdict == PASS:
        return ""
    if relation == r"\ne":
        return f"marked as wrong, but {last.n:,} draws do not separate it from the truth by 10 % of scale"
    if verdict == FAIL:
        errors = np.max(np.abs(gap) / np.maximum(last.sd / np.sqrt(last.n), tolerance))
        return f"the mean of {last.n:,} fresh draws lies {errors:.1f} standard errors off, three times in a row"
    if verdict == INCONCLUSIVE:
        return "single draws carry too much of the variance: choose a stage with lighter tails"
    if np.any(limit != EFFECT * scale):
        return (f"{n1:,} repetitions resolve {np.max(seen):.2g}, more than the effect that the stage declares: "
                "lower the variance on the stage, or raise S")
    return (f"{n1:,} repetitions resolve {np.max(seen):.2g}, more than 10 % of the scale {scale:.2g} or than the "
            "bound's gap: lower the variance on the stage, or raise S")


def blind(seen, target, scale):
    """A note on the coordinates in which a gap as large as the coordinate itself would not be seen."""
    blind = np.flatnonzero((seen > np.abs(target)) & (np.abs(target) > EXACT * scale))
    if not len(blind):
        return ()
    c = blind[0]
    return (f"draws are blind in coordinate {', '.join(map(str, blind))}: {target[c]:.2g} is seen to {seen[c]:.2g}; "
            "give it a stage on which it is large, or declare effect",)

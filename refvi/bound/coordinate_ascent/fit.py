"""The algorithm: sweeps over all factors until the bound stops gaining; gaussian.py and regression.py sweep."""
import numpy as np

from refvi.base.checks import require_bound, require_count, require_positive
from refvi.base.core import Fit


def ascend(one_sweep, elbo, q, log_evidence=np.inf, tolerance=1e-10, most=10_000):
    """Sweeps q <- one_sweep(q) until elbo(q) has less than tolerance nats left to gain: a Fit of the factors q.

    ArithmeticError where the bound falls by more than rounding or exceeds log_evidence: no correct update does either.
    """
    require_count("most", most)
    require_positive("tolerance", tolerance, "nats left to gain")
    trace, stopped = [require_bound(float(elbo(q)), log_evidence)], f"still gaining after {most} sweeps"
    for number in range(1, most + 1):
        q = one_sweep(q)
        trace.append(require_bound(float(elbo(q)), log_evidence))
        before, after = trace[-2:]
        rounding = 2**12 * np.finfo(float).eps * max(1., abs(after))
        if not after - before >= -rounding:
            raise ArithmeticError(f"sweep {number} took the ELBO from {before} to {after}: "
                                  "an update that is no maximum, or one made from stale factors")
        if left_to_gain(trace) < tolerance:
            stopped = ""
            break
    return Fit(q, np.array(trace), stopped)


def left_to_gain(trace):
    """What further sweeps would gain, in nats, if gains go on shrinking by the factor of the last two, or the last gain
    where that is more; infinite while they do not shrink, zero where the last is lost in rounding.

    A sweep that gains little may stand before many that gain as little each: near the top gains are a geometric series.
    """
    gains = np.diff(trace[-3:])
    if gains[-1] <= 4 * np.finfo(float).eps * max(1., abs(trace[-1])):
        return 0.
    if len(gains) < 2 or gains[1] >= gains[0]:
        return np.inf
    return max(gains[1], gains[1]**2 / (gains[0] - gains[1]))

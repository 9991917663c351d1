"""The course's exercise on linear regression by coordinate ascent: least squares, the exact posterior and q(w) = prod
q(w_d) beside one another, on ever more of the data, and with one datum that lies far off.

PML, the notebook CAVI-linreg. Its data are the ruggedness of nations; drawn here are two groups of nations, with a
slope of either sign.
"""
import numpy as np

from refvi.app.fits.outcome import ended
from refvi.base import models
from refvi.bound.coordinate_ascent import regression

DATA = ("toy",)
GROUPS = (("group of 50", 50, 0.3), ("group of 120", 120, -0.3))   # nations, and the slope of wealth in ruggedness
FRACTIONS = (0.05, 0.25, 1.)
FAR = 12.                   # noise standard deviations by which one datum is moved


def nations(rng, N, slope):
    """(wealth (N,), an intercept and the ruggedness (N, 2)) of N nations, with noise of standard deviation one."""
    ruggedness = rng.gamma(1.5, 1., N)
    return 2. + slope * ruggedness + rng.standard_normal(N), np.column_stack([np.ones(N), ruggedness])


def line(label, x, y):
    """One line of the report: slopes with standard deviations, sweeps, and what factorizing costs."""
    theta = models.regression(y, prior_sd=1., noise_sd=1.)
    fitted = regression.fit(x, theta)
    exact, exact_sd = models.posterior(x, theta)[0][1], models.covariance(x, theta)[1, 1]**0.5
    squares, gap = np.linalg.lstsq(y, x, rcond=None)[0][1], models.log_evidence(x, theta) - fitted.trace[-1]
    return ended(f"{label:>15} {len(x):4} {squares:14.3f} {exact:8.3f} +- {exact_sd:.3f} {fitted.found[1]:8.3f} +- "
                 f"{np.exp(fitted.found[3]):.3f} {gap:9.3f} {len(fitted.trace) - 1:7}", fitted.stopped)


def run(rng, name=None):
    """The lines of the report, group by group."""
    yield "toy nations: wealth against ruggedness; prior and noise have standard deviation one"
    yield (f"{'data':>15} {'N':>4} {'least squares':>14} {'exact slope':>17} {'slope under q':>17} "
           f"{'nats lost':>9}  sweeps")
    for label, N, slope in GROUPS:
        x, y = nations(rng, N, slope)
        yield f"{label}, slope {slope:g}"
        for fraction in FRACTIONS:
            first = slice(max(2, round(fraction * N)))
            yield line(f"{100 * fraction:.0f} %", x[first], y[first])
        moved = x.copy()
        moved[np.argmax(y[:, 1])] += FAR
        yield line("one moved", moved, y)
    yield "toy nations: both find the same slope; q takes it to be surer than it is, and neither knows a datum far off"

"""Left: a classifier's weights are shaken by I + sE, and its class probability becomes a distribution, narrow or wide
as s is. Dots: shares of 20,000 draws in bins over the bins' width, two standard errors; lines: the exact density.
Right: acting only where draws of fitted weights agree. Dots: how often it is right, two standard errors; lines: what
the draws themselves promise. The promise is kept where the model is right, with labels from a logistic model; where
labels are one above zero and again below -2, the draws agree best far out, and are wrong there. WI.27, WI.28.
"""
import numpy as np
from scipy.special import logit, ndtr

from refvi.app.fits.trust import one_beyond, probabilities
from refvi.bayes.trust import act_where_draws_agree, density_of_probability, logit_law
from refvi.likelihood.networks import sigmoid

SIZE = (7.2, 3.0)
R, BINS = 20_000, np.linspace(0, 1, 21)
SEEN = 400          # draws that a bin must expect to be shown
Y, THETA = np.array([1.2, -0.7]), np.array([-0.5, 0.4])
SHARES = np.linspace(0.1, 1, 10)
N = 2_000


def shares_in_bins(rng, scale):
    """(middle, measured, its standard error, exact) of each bin that expects enough draws: densities averaged over it.
    """
    mean, variance = logit_law(Y, THETA, scale)
    chance, width = np.diff(ndtr((logit(BINS) - mean) / np.sqrt(variance))), BINS[1]
    pi = sigmoid((np.eye(2) + scale * rng.standard_normal((R, 2, 2))) @ THETA @ Y)
    seen = chance * R > SEEN
    shares = np.histogram(pi, BINS)[0] / R, np.sqrt(chance * (1 - chance) / R), chance
    return [(BINS[:-1] + width / 2)[seen], *(share[seen] / width for share in shares)]


def selective(rng, x, y, new, of_new):
    """(right, its standard error, promised): (10,) each, one for each share."""
    pi = probabilities(rng, x, y, new)
    mean = np.mean(pi, axis=0)
    acted, right = zip(*(act_where_draws_agree(pi, of_new, share) for share in SHARES))
    promised = [np.mean(np.maximum(mean, 1 - mean)[mask]) for mask in acted]
    return right, [np.sqrt(p * (1 - p) / mask.sum()) for p, mask in zip(promised, acted)], promised


def right_model(rng):
    """Labels of a logistic model, the last half of them held out."""
    y = np.column_stack([np.ones(2 * N), rng.standard_normal((2 * N, 2))])
    x = (rng.random(2 * N) < sigmoid(y @ [0.3, 1.5, -1.])).astype(float)
    return x[:N], y[:N], y[N:], x[N:]


def data(rng):
    at = np.linspace(0.005, 0.995, 199)
    narrow, wide = (shares_in_bins(rng, scale) for scale in (0.4, 1.6))
    y, x = one_beyond(rng, -2., 2 * N)
    kept, broken = selective(rng, *right_model(rng)), selective(rng, x[:N], y[:N], y[N:], x[N:])
    return dict(at=at, narrow=density_of_probability(at, Y, THETA, 0.4), wide=density_of_probability(at, Y, THETA, 1.6),
                middle_narrow=narrow[0], measured_narrow=narrow[1], error_narrow=narrow[2], exact_narrow=narrow[3],
                middle_wide=wide[0], measured_wide=wide[1], error_wide=wide[2], exact_wide=wide[3],
                share=SHARES, random_kept=kept, random_broken=broken)


def draw(figure, at, narrow, wide, share, random_kept, random_broken, **compared):
    left, right = figure.subplots(1, 2)
    for name, line, colour, style in (("narrow", narrow, "C0", "-"), ("wide", wide, "C2", "--")):
        scale = {"narrow": 0.4, "wide": 1.6}[name]
        left.plot(at, line, color=colour, linestyle=style, label=f"s = {scale}")
        left.errorbar(compared[f"middle_{name}"], compared[f"measured_{name}"], 2 * compared[f"error_{name}"], fmt="o",
                      color=colour, markersize=3)
    left.set(xlabel="class probability π(M)", ylabel="density", title="One input, many probabilities", ylim=(0, None))
    left.legend(loc="upper right")
    for (measured, error, promised), name, colour, style in ((random_kept, "logistic labels", "C0", "-"),
                                                             (random_broken, "one far out again", "C2", "--")):
        right.plot(share, promised, color=colour, linestyle=style, label=f"promised, {name}")
        right.errorbar(share, measured, 2 * np.array(error), fmt="o", color=colour, markersize=3)
    right.set(xlabel="share of inputs acted on", ylabel="right decisions", title="Acting where draws agree",
              ylim=(0.55, 1.02))
    right.legend(loc="lower right")

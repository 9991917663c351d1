"""What the encoder's bound leaves out, by cause: one encoder for all images costs nats that a q of each image's own
gains back, the shape of q the rest. PML.149.

For 2 and for 20 latent dimensions, gains on the same test images, one on top of the other: from the encoder's bound to
that after each image's own mu and log sd have been climbed with the decoder fixed, which is the amortization gap; to
the importance-weighted bound of 5000 draws from that q; and, where two dimensions allow a grid, to log p(x) itself:
draws from q do not see what lies where q is not. Error bars are two standard errors of a gain over images.
"""
import numpy as np

from digits import fitted, watched
from refvi.generative.vae import evaluate

EXPENSIVE, QUICK = True, dict(epochs=1, N=1000, images=6, S=50, steps=20, order=60)
NAMES = ("climbing each q", "5000 weighted draws", "a grid")


def data(rng, **how):
    return gaps(rng, "mnist", **how)


def gaps(rng, kind, images=400, S=5000, steps=300, order=800, **how):
    """(mean, standard error) of each bound and of each difference, and of the encoder's bound on the whole test set,
    for both D."""
    found = {}
    for D in (2, 20):
        digits, fit = fitted(rng, kind, D, **how)
        args = fit.shape, fit.weights
        test = digits.test.images
        x = test[rng.permutation(len(test))[:images]]
        own = evaluate.encoded(*args, x)
        lam = evaluate.refined(*args, x, rng, steps=steps, S=2)
        values = [evaluate.bound(*args, x, rng, S=200 if S > 200 else S, lam=at)
                  for at in (own, lam)] + [evaluate.importance_bound(*args, x, rng, S, lam=lam)]
        if D == 2:
            values.append(evaluate.log_evidence(*args, x, order, reach=9.))
        found |= {f"random_bounds_{D}": pairs(values), f"random_differences_{D}": pairs(np.diff(values, axis=0)),
                  f"random_test_{D}": pairs([evaluate.bound(*args, test, rng, S=1)])[0],
                  f"random_kl_{D}": pairs([evaluate.divergence(evaluate.encoded(*args, test))])[0],
                  f"random_name_{D}": watched(fit, digits)}
    return found | dict(random_images=images, random_S=S)


def pairs(values):
    return np.array([evaluate.average(v) for v in values])


def draw(figure, random_images, random_S, **found):
    figure.set_size_inches(6.4, 2.6)
    panels = figure.subplots(1, 2, sharey=True, width_ratios=(13, 10))
    for axes, D in zip(panels, (2, 20)):
        gains, errors = found[f"random_differences_{D}"].T
        ends, place = np.cumsum(gains), np.arange(len(gains))
        axes.barh(place, gains, left=ends - gains, height=0.5, color="C3")
        axes.errorbar(ends, place, xerr=2 * errors, fmt="o", color="C0", capsize=3)
        for y, gain, error in zip(place, gains, errors):
            axes.text(0.2, y - 0.42, f"+{gain:.2f} ± {error:.2f}", ha="left", va="center", fontsize=9)
        bound, error = found[f"random_bounds_{D}"][0]
        axes.set(xlim=(0, ends[-1] + 3), ylim=(2.5, -0.7), title=f"D = {D}, from {bound:.1f} ± {error:.1f}")
    panels[0].set_yticks(range(3), NAMES)
    panels[1].text(0.2, 2, "no grid in 20 dimensions", va="center", fontsize=9)
    figure.supxlabel(f"nats gained over the encoder's bound, {random_images} test images", fontsize=10)

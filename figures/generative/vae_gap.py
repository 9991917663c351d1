"""What the bound leaves out, by cause: one encoder for all images costs nats that a q of each image's own gains back, the shape of q the rest. PML.149.

For 2 and for 20 latent dimensions, on test images: the encoder's bound; the bound after each image's own mu and log sd have been climbed with the decoder
fixed, where the rise is the amortization gap; the importance-weighted bound of 5000 draws from that q; and, where two dimensions allow a grid, log p(x) itself:
draws from q do not see what lies where q is not. Bars are two standard errors over images; all are of the same images, so that their differences (the numbers
between them) are surer than they.
"""
import numpy as np

from digits import fitted, watched
from refvi.generative.vae import evaluate

EXPENSIVE, QUICK = True, dict(epochs=1, N=1000, images=6, S=50, steps=20, order=60)
NAMES = ("encoder", "refined", "weights", "log p(x)")


def data(rng, **how):
    return gaps(rng, "mnist", **how)


def gaps(rng, kind, images=400, S=5000, steps=300, order=800, **how):
    """(mean, standard error) of each bound and of each difference, and of the encoder's bound on the whole test set, for both D."""
    found = {}
    for D in (2, 20):
        digits, fit = fitted(rng, kind, D, **how)
        args = fit.shape, fit.weights
        test = digits.test.images
        x = test[rng.permutation(len(test))[:images]]
        own = evaluate.encoded(*args, x)
        lam = evaluate.refined(*args, x, rng, steps=steps, S=2)
        values = [evaluate.bound(*args, x, rng, S=200 if S > 200 else S, lam=at) for at in (own, lam)] + [evaluate.importance_bound(*args, x, rng, S, lam=lam)]
        if D == 2:
            values.append(evaluate.log_evidence(*args, x, order, reach=9.))
        found |= {f"random_bounds_{D}": pairs(values), f"random_differences_{D}": pairs([b - a for a, b in zip(values, values[1:])]),
                  f"random_test_{D}": pairs([evaluate.bound(*args, test, rng, S=1)])[0], f"random_kl_{D}": pairs([evaluate.divergence(evaluate.encoded(*args, test))])[0],
                  f"random_name_{D}": watched(fit, digits)}
    return found | dict(random_images=images, random_S=S)


def pairs(values):
    return np.array([evaluate.average(v) for v in values])


def draw(figure, random_images, random_S, **found):
    figure.set_size_inches(6., 2.9)
    for axes, D in zip(figure.subplots(1, 2, width_ratios=(4, 3)), (2, 20)):
        bounds, differences = found[f"random_bounds_{D}"], found[f"random_differences_{D}"]
        place = np.arange(len(bounds))
        axes.errorbar(place, *bounds.T * [[1], [2]], fmt="o", color="black", capsize=3)
        low, high = np.min(bounds[:, 0] - 2 * bounds[:, 1]), np.max(bounds[:, 0] + 2 * bounds[:, 1])
        for i, (gain, error) in enumerate(differences):
            axes.text(i + 0.5, high + 0.12 * (high - low), f"+{gain:.2f}\n± {error:.2f}", ha="center", va="bottom", fontsize=9)
        axes.set(xticks=place, xlim=(-0.4, len(bounds) - 0.6), ylim=(low - 0.1 * (high - low), high + 0.5 * (high - low)), title=f"D = {D}")
        axes.set_xticklabels((*NAMES[:2], f"{NAMES[2]},\nS = {random_S}", f"{NAMES[3]},\nby grid")[:len(bounds)])
    figure.axes[0].set_ylabel(f"nats per image, {random_images} test images")
    figure.supxlabel(f"{found['random_name_2']} with D = 2; {found['random_name_20']} with D = 20", fontsize=9)

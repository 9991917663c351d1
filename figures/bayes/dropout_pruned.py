"""Accuracy on held-out images against the share of a classifier's weights that is left: after sparse variational
dropout, taken out by alpha or by size, and by size as it was fitted before. RAI.056.

The 784-256-64-10 network of `refvi fit classifier`, five epochs of it on MNIST where it is at hand, then twelve epochs
of the bound. Marks: accuracy, two standard errors where that is wider; dashed: of the network as it was.
"""
import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from refvi.app.fits.classifier import choose, held_out
from refvi.bayes.dropout.sparse import OFF, fit_classifier, log_alphas, pruned
from refvi.likelihood.mle import classifier

SIZE = (5.2, 3.0)
EXPENSIVE, QUICK = True, dict(N=1000, epochs=(1, 1), held=500)
SHARES = 1 - np.array([1, 0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.04, 0.03, 0.025, 0.02, 0.015, 0.0125, 0.01])


def data(rng, N=None, epochs=(5, 12), held=None):
    train, test = choose(rng, None)
    test = test._replace(images=test.images[:held], labels=test.labels[:held])
    images, labels = train.images[:N], train.labels[:N]
    plain = classifier.fit(rng, labels, images, epochs[0]).lam
    lam = fit_classifier(rng, labels, images, plain, epochs[1]).lam
    alphas = log_alphas(lam)
    by_alpha, by_size, plainly = ([accuracy(theta, score, share, test) for share in SHARES] for theta, score in
                                  ((lam[0], -alphas), (lam[0], np.abs(lam[0])), (plain, np.abs(plain))))
    return dict(name=test.name, share=SHARES, random_N=len(test.labels), random_off=np.mean(alphas > OFF),
                random_by_alpha=by_alpha, random_by_size=by_size, random_plain=plainly)


def accuracy(theta, score, share, test):
    """Of what is left of a network; that of one that no longer sees its input is one in ten."""
    try:
        log_p = held_out(pruned(theta, score, share), test)
    except ValueError:
        return 0.1
    return np.mean(np.argmax(log_p, axis=1) == test.labels)


def draw(figure, name, share, random_N, random_off, random_by_alpha, random_by_size, random_plain):
    axes = figure.subplots()
    left = 100 * (1 - share)
    axes.axhline(100 * random_plain[0], color="0.6", linestyle="--", linewidth=1)
    for measured, colour, marker, told in ((random_by_alpha, "C0", "o", "sparse fit, largest α first"),
                                           (random_by_size, "C3", "s", "sparse fit, smallest w first"),
                                           (random_plain, "C2", "^", "plain fit, smallest w first")):
        error = np.sqrt(measured * (1 - measured) / random_N)
        hollow = dict(markersize=8, markerfacecolor="none") if marker == "s" else dict(markersize=4)
        axes.errorbar(left, 100 * measured, 200 * error, fmt=marker, color=colour, label=told, **hollow)
    axes.set(xscale="log", xlabel="weights that are left, %", ylabel="right, %", title=f"{name}: weights taken out",
             ylim=(0, 103))
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.invert_xaxis()
    axes.legend(loc="lower left")

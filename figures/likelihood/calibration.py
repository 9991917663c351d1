"""Where the classifier declares a doubt of one in ten, one answer in ten should be wrong; it is wrong more often.

The 784-256-64-10 network of `refvi fit classifier`, on MNIST where it is at hand. Doubt is one minus the largest
probability. The held-out images are sorted by it and cut into ten bins that should hold equally many errors. Dots:
share of wrong answers in each bin, with two standard errors; the diagonal is perfect calibration, which is a wish and
not a theorem.
"""
import numpy as np

from refvi.app.fits import classifier

EXPENSIVE = True
BINS = 10


def data(rng):
    train, test = classifier.choose(rng, None)
    log_p = classifier.held_out(classifier.fit(rng, train).lam, test)
    right, largest = log_p.argmax(axis=1) == test.labels, log_p.argmax(axis=1)
    others = np.where(np.arange(log_p.shape[1]) == largest[:, None], 0., np.exp(log_p))
    doubt = others.sum(axis=1)          # one minus the largest would lose digits
    order = np.argsort(doubt)
    expected = np.cumsum(doubt[order])
    where = np.empty(len(doubt), int)
    where[order] = np.minimum((expected / expected[-1] * BINS).astype(int), BINS - 1)
    count, wrong, doubts = (np.bincount(where, v, BINS) for v in (np.ones(len(doubt)), ~right, doubt))
    share = wrong / count
    return dict(name=test.name, random_count=count, random_doubt=doubts / count, random_share=share,
                random_error=np.sqrt((wrong + 1) * (1 - share)) / count,
                random_overall=[1 - right.mean(), doubt.mean()])


def draw(figure, name, random_count, random_doubt, random_share, random_error, random_overall):
    axes, bars = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    low = random_doubt.min() / 2
    axes.plot([low, 1], [low, 1], color="black")
    seen = random_share > 0
    axes.errorbar(random_doubt[seen], random_share[seen], 2 * random_error[seen], fmt="o", color="C1", capsize=2)
    axes.set(xscale="log", yscale="log", ylabel="share of wrong answers", xlim=(low, 1), ylim=(low, 1.2),
             title=f"{name}: {100 * random_overall[0]:.1f} % wrong, {100 * random_overall[1]:.1f} % expected")
    bars.vlines(random_doubt, 1, random_count, color="C1", linewidth=4)
    bars.set(yscale="log", ylabel="images", xlabel="doubt: one minus the probability of the predicted digit")

"""Where the classifier declares a doubt of one in ten, about one answer in ten is wrong: it is calibrated.

The 784-256-64-10 network of `refvi fit classifier`, on MNIST where it is at hand. Doubt is one minus the probability of
the predicted digit. Dots: share of wrong answers among the held-out images in a bin of doubt, with two standard errors;
open triangles: no wrong answer, at most three in that many images with a confidence of 95 %. The diagonal is perfect
calibration, which is a wish and not a theorem.
"""
import numpy as np

from refvi.app.fits import classifier

EXPENSIVE, QUICK = True, dict(N=6000)
EDGES = np.array([0, 1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.2, 0.35, 0.5, 1])


def data(rng, N=None):
    train, test = classifier.choose(rng, None)
    train = train._replace(images=train.images[:N], labels=train.labels[:N])
    log_p = classifier.held_out(classifier.fit(rng, train).lam, test)
    predicted = log_p.argmax(axis=1)
    wrong = predicted != test.labels
    doubt = np.sum(np.where(np.arange(log_p.shape[1]) == predicted[:, None], 0., np.exp(log_p)), axis=1)
    where = np.digitize(doubt, EDGES) - 1
    count, errors, doubts = (np.bincount(where, v, len(EDGES) - 1) for v in (np.ones(len(doubt)), wrong, doubt))
    return dict(name=test.name, random_count=count, random_doubt=doubts / np.maximum(count, 1), random_wrong=errors,
                random_overall=[wrong.mean(), doubt.mean()])


def draw(figure, name, random_count, random_doubt, random_wrong, random_overall):
    axes, bars = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    seen, none = random_wrong > 0, (random_wrong == 0) & (random_count > 3)
    share = random_wrong[seen] / random_count[seen]
    error = np.sqrt(share * (1 - share) / random_count[seen])
    low = 1e-6
    axes.plot([low, 1], [low, 1], color="C0")
    axes.errorbar(random_doubt[seen], share, 2 * error, fmt="o", color="C1", capsize=2)
    axes.plot(random_doubt[none], 3 / random_count[none], "v", color="C1", markerfacecolor="none", markersize=6)
    axes.set(xscale="log", yscale="log", ylabel="share of wrong answers", xlim=(low, 1), ylim=(1e-5, 1.5),
             title=f"{name}: {100 * random_overall[0]:.1f} % wrong, {100 * random_overall[1]:.1f} % expected")
    bars.vlines(random_doubt, 1, random_count, color="C1", linewidth=5)
    bars.set(yscale="log", ylabel="images", xlabel="doubt: one minus the probability of the predicted digit")

"""Where the classifier says 0.9 it should be right nine times in ten: held-out accuracy against stated confidence.

The 784-256-64-10 network of `refvi fit classifier`, on MNIST where it is at hand. Dots: accuracy of the images in a bin of confidence, with
two standard errors; the diagonal is perfect calibration, which is a wish and not a theorem. Grey bars: how many images each bin holds.
"""
import numpy as np

from refvi.app.fits import classifier

EXPENSIVE = True
EDGES = np.array([0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0000001])


def data(rng):
    train, test = classifier.choose(rng, None)
    log_p = classifier.held_out(classifier.fit(rng, train).lam, test)
    confidence, right = np.exp(log_p.max(axis=1)), log_p.argmax(axis=1) == test.labels
    where = np.digitize(confidence, EDGES) - 1
    count = np.bincount(where, minlength=len(EDGES) - 1)
    accuracy, stated = (np.bincount(where, v, len(EDGES) - 1) / np.maximum(count, 1) for v in (right, confidence))
    return dict(name=test.name, random_count=count, random_confidence=stated, random_accuracy=accuracy, random_overall=[right.mean(), confidence.mean()],
                random_error=np.sqrt((accuracy * (1 - accuracy) + 1 / (count + 4)) / (count + 4)))


def draw(figure, name, random_count, random_confidence, random_accuracy, random_error, random_overall):
    axes, bars = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    some = random_count >= 10
    axes.plot([0.3, 1], [0.3, 1], color="black")
    axes.errorbar(random_confidence[some], random_accuracy[some], 2 * random_error[some], fmt="o", color="black", capsize=2)
    axes.set(ylabel="accuracy", xlim=(0.35, 1.01), ylim=(0.3, 1.03), title=f"{name}: accuracy {100 * random_overall[0]:.1f} %, mean confidence {100 * random_overall[1]:.1f} %")
    bars.bar((EDGES[:-1] + EDGES[1:]) / 2, random_count, width=np.diff(EDGES), color="0.7", edgecolor="white", linewidth=0.5)
    bars.set(yscale="log", ylabel="images", xlabel="confidence: probability of the predicted digit")

"""One reading of seven is moved: the mean follows it for ever, the median stops, a Student t with three degrees of
freedom lets go. WI.11, UA.008.
"""
import numpy as np

from refvi.likelihood.benefits.rows import location_by_weights

SIZE = (4.6, 2.9)
READINGS = np.array([0.3, 0.8, 1.1, 1.4, 1.9, 2.3])


def data(rng):
    moved = np.linspace(-1, 12, 131)
    x = np.array([np.append(READINGS, last) for last in moved])
    return dict(moved=moved, mean=x.mean(axis=1), median=np.median(x, axis=1),
                student=[location_by_weights(row, 3.) for row in x])


def draw(figure, moved, mean, median, student):
    axes = figure.add_subplot()
    for centre, name, style in ((mean, "normal: the mean", "-"), (median, "Laplace: the median", "--"),
                                (student, "Student t, 3 degrees", ":")):
        axes.plot(moved, centre, color="C0", linestyle=style, label=name)
    axes.plot(READINGS, np.full(6, 0.55), "|", color="C2", markersize=9, label="the other six")
    axes.set(xlabel="seventh reading", ylabel="centre", ylim=(0.5, 3))
    axes.legend(loc="upper left")

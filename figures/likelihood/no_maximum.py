"""Four ways for maximum likelihood to fail: a component on a datum, a deviation that goes to zero, labels that a
threshold separates, and a start from which the gradient leads to a saddle.

Top left: log-likelihood of a mixture, one component centred on a datum, against that component's deviation. Top right:
log density of a datum at which a predicted mean has arrived. Bottom left: logistic regression against its weight, on
labels that overlap or do not. Bottom right: two components' means moved from the mean of the data, together or apart.
"""
import numpy as np

from refvi import normal
from refvi.likelihood.likelihoods.logistic import log_likelihood
from refvi.likelihood.likelihoods.rows import collapsed_mixture, height_at_the_mean
from refvi.likelihood.mle.heteroscedastic import FLOOR

SIZE = (7.2, 4.8)
X = np.array([0.4, -2.1, -0.8, 1.3, 2.2, 3.9])
Y = np.array([-2.1, -1.3, -0.4, 0.6, 1.2, 2.4])


def data(rng):
    sd, weight, shift = np.geomspace(1e-12, 3, 120), np.linspace(-1, 8, 91), np.linspace(-3, 3, 121)
    parted, overlapping = (Y > 0).astype(float), np.array([0., 0, 1, 0, 1, 1])
    centre = X.mean()

    def of_means(first, second):
        return np.sum(np.logaddexp(normal.log_prob(X, np.array([first, 0.])),
                                   normal.log_prob(X, np.array([second, 0.]))) - np.log(2))

    return dict(sd=sd, mixture=[collapsed_mixture(X, s) for s in sd],
                height=[np.log(height_at_the_mean(0.3, s)) for s in sd],
                floored=[np.log(height_at_the_mean(0.3, np.hypot(FLOOR, s))) for s in sd], weight=weight,
                parted=[log_likelihood(np.array([w]), parted, Y[:, None]) for w in weight],
                overlapping=[log_likelihood(np.array([w]), overlapping, Y[:, None]) for w in weight],
                shift=shift, together=[of_means(centre + t, centre + t) for t in shift],
                apart=[of_means(centre + t, centre - t) for t in shift])


def draw(figure, sd, mixture, height, floored, weight, parted, overlapping, shift, together, apart):
    collapse, density, classes, saddle = figure.subplots(2, 2).flat
    collapse.plot(sd, mixture)
    collapse.set(xscale="log", xlabel="deviation of the component on a datum", ylabel="log-likelihood",
                 title="a component on a datum")
    density.plot(sd, height, label="free")
    density.plot(sd, floored, "--", color="C2", label=f"with a floor of {FLOOR}")
    density.set(xscale="log", xlabel="predicted deviation", ylabel="log density", title="a mean that meets its datum")
    density.legend()
    classes.plot(weight, parted, label="separable")
    classes.plot(weight, overlapping, "--", color="C2", label="overlapping")
    classes.set(xlabel="weight", ylabel="log-likelihood", ylim=(-15, 1), title="labels on either side")
    classes.axhline(0, color="0.7", linewidth=0.7, zorder=0)
    classes.legend(loc="lower right")
    saddle.plot(shift, apart, label="means apart")
    saddle.plot(shift, together, "--", color="C2", label="means together")
    saddle.set(xlabel="distance from the mean of the data", ylabel="log-likelihood", ylim=(-32, -10),
               title="a saddle between two means")
    saddle.legend(loc="lower center")

"""Nonlinear, and unsure where no data are: ten data (dots) of sin(3 y) with noise of deviation 0.12. Solid: the mean;
dark: two standard deviations of the mean on either side; light: two of an outcome to come, the noise included.
Left: a network of two tanh units and seven weights, its posterior exact: the three last weights by hand, the four first
on a grid over 3.5 prior deviations. Right: a Gaussian process with a squared exponential kernel. Among the data both
bands are hardly wider than the noise; in the gap and outside both widen. The process returns to its prior, the network
to some level that its units keep for good. RAI.008.
"""
import numpy as np

from refvi.bayes import gaussian_process
from refvi.bayes.bayesian_nn.grid import first_layer, given_first_layer, predictive
from refvi.bayes.bayesian_nn.model import bayesian_network

SIZE = (7.2, 3.0)
SD = 0.12
QUICK = dict(n=20)     # nodes on each of four axes
Y = np.array([-1., -0.85, -0.75, -0.6, -0.5, -0.35, 0.5, 0.65, 0.8, 0.9])[:, None]
NET = bayesian_network(1, (2,), prior_sd=np.repeat([2., 1.], [4, 3]), beta=SD**-2)
KERNEL = gaussian_process.hyperparameters(length=0.5, signal_sd=1., noise_sd=SD)


def posterior(x, n):
    """The Mixture over one of eight mirrored copies: the first unit's slope is the larger one, and both are positive.
    """
    first, _ = first_layer(NET, n, 3.5)
    return given_first_layer(first[(first[:, 0] > first[:, 1]) & (first[:, 1] > 0)], x, Y, NET)


def process(x, new):
    """Mean and variance (2, M) of an outcome under a Gaussian process."""
    mean, *covariance = gaussian_process.posterior(KERNEL, x, Y, new)
    return np.stack([mean, np.diag(covariance) + SD**2])


def outcomes(rng):
    return np.sin(3 * Y[:, 0]) + SD * rng.standard_normal(len(Y))


def data(rng, n=36):
    x, new = outcomes(rng), np.linspace(-2.2, 2.2, 111)[:, None]
    return dict(y=Y[:, 0], random_x=x, new=new[:, 0], random_network=predictive(new, posterior(x, n), NET),
                random_process=process(x, new))


def draw(figure, y, random_x, new, random_network, random_process):
    for axes, (mean, variance), name in zip(figure.subplots(1, 2, sharey=True), (random_network, random_process),
                                            ("network of seven weights", "Gaussian process")):
        for deviation, grey, label in ((np.sqrt(variance), "0.87", "an outcome"),
                                       (np.sqrt(variance - SD**2), "0.7", "the mean")):
            axes.fill_between(new, mean - 2 * deviation, mean + 2 * deviation, color=grey, linewidth=0, label=label)
        axes.plot(new, mean, color="C1")
        axes.plot(y, random_x, "o", color="C0", label="data")
        axes.set(xlabel="input y", title=name, xlim=(-2.2, 2.2), ylim=(-2.6, 2.6))
    figure.axes[0].set(ylabel="outcome x")
    figure.axes[0].legend(loc="upper left", ncols=3, columnspacing=1., handlelength=1.2)

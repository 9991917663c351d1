"""A band that knows where data are, on the page's nine data (dots). Solid: the mean of f; grey: two standard deviations
of a further outcome on either side; dotted: two of the noise alone, all that a fitted curve could say.
Left: a Gaussian process with the hyperparameters of the largest evidence. The grey band is wide in the gap between the
data, and outside it comes to rest at the prior's width. Right: a network of one hidden layer of ReLU units, infinitely
wide, the same noise: its band grows outside without end. RAI.008, RAI.011.
"""
import numpy as np

from refvi.bayes.gaussian_process import arc_cosine, conditioned, fit, posterior

SIZE = (7.2, 3.0)
Y = np.array([0., 0.5, 1., 1.5, 2., 2.5, 5., 5.5, 6.])[:, None]
X = np.array([-1.5, -0.4, -0.2, 0.4, 0.3, -0.9, 0.4, 0.5, 1.0])
SDS = dict(weight_sd=1.3, out_sd=1.)        # of the network's prior


def band(found, noise_sd):
    """Mean of f and deviation of an outcome (2, M)."""
    return np.stack([found[0], np.hypot(np.sqrt(np.diag(found[1:])), noise_sd)])


def data(rng):
    new, theta = np.linspace(-4, 10, 141)[:, None], fit(X, Y).found.theta
    noise_sd = np.exp(theta[2])
    centre = Y - Y.mean(), new - Y.mean()           # a network's units bend near zero
    C, cross, own = (arc_cosine(a, b, **SDS) for a, b in ((centre[0], centre[0]), centre, (centre[1], centre[1])))
    network = conditioned(X, C + noise_sd**2 * np.eye(len(X)), cross, own)
    return dict(y=Y[:, 0], x=X, new=new[:, 0], noise_sd=noise_sd, process=band(posterior(theta, X, Y, new), noise_sd),
                network=band(network, noise_sd))


def draw(figure, y, x, new, noise_sd, process, network):
    for axes, (mean, sd), name in zip(figure.subplots(1, 2, sharey=True), (process, network),
                                      ("Gaussian process", "infinitely wide network")):
        axes.fill_between(new, mean - 2 * sd, mean + 2 * sd, color="0.85", linewidth=0, label="an outcome")
        axes.plot(new, mean, color="C1", label="mean")
        for side in (-2, 2):
            axes.plot(new, mean + side * noise_sd, color="C1", linestyle=":", label="noise alone" * (side > 0))
        axes.plot(y, x, "o", color="C0", label="data")
        axes.set(xlabel="input y", title=name, xlim=(-4, 10), ylim=(-4.2, 4.2))
    axes.set(ylabel="")
    figure.axes[0].set(ylabel="outcome x")
    figure.axes[0].legend(loc="lower left", ncols=2, columnspacing=1.2, handlelength=1.5)

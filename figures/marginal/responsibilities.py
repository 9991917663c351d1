"""Each datum is shared out among the components by their posterior, and the shares sum to one: a mixture fitted by
its exact gradient.

400 data from three clusters; means and scales are the outputs of a tanh network of the component's number, climbed by
Adam together with the prior's logits. Top: density of the fitted mixture, its components, and a histogram of the
data. Bottom: responsibilities.
"""
import numpy as np

from refvi.base.optimize import adam
from refvi.likelihood.networks import forward, initial, tanh
from refvi.marginal.marginal_gradient import mixture

N, K, SIZES = 400, 3, (1, 8, 2)
Y = np.array([[-1.], [0.], [1.]])


def data(rng):
    x = np.sort(np.concatenate([rng.normal(-2, 0.6, 130), rng.normal(0.6, 0.9, 170), rng.normal(3.2, 0.4, 100)]))

    def climb(parameters):
        value, g = mixture.network_gradient(parameters[K:], x, parameters[:K], Y, SIZES)
        mu, log_sigma = outputs(parameters[K:])
        return np.concatenate([mixture.gradient(x, parameters[:K], mu, log_sigma).logits, g])

    start = np.concatenate([np.zeros(K), initial(rng, SIZES)])
    lam = adam(climb, start, 3000, lambda t: 0.03 / (1 + t / 500)).lam
    grid = np.linspace(-4.5, 5, 191)
    joint = np.exp(mixture.log_joint_of_each(grid, lam[:K], *outputs(lam[K:])))
    order = np.argsort(outputs(lam[K:])[0])
    return dict(grid=grid, random_x=x, random_joint=joint[:, order])


def outputs(theta):
    return forward(theta, Y, SIZES, tanh)[-1].T


def draw(figure, grid, random_x, random_joint):
    top, bottom = figure.subplots(2, 1, sharex=True)
    shares = random_joint / random_joint.sum(axis=1, keepdims=True)
    top.hist(random_x, bins=40, density=True, color="0.9")
    top.plot(grid, random_joint.sum(axis=1), color="C0")
    bottom.stackplot(grid, shares.T, colors=["C1", "C3", "C4"])
    for k, (color, line) in enumerate((("C1", "--"), ("C3", "-"), ("C4", "-."))):
        top.plot(grid, random_joint[:, k], color=color, linestyle=line, linewidth=1.8)
        at = np.argmax(random_joint[:, k])
        middle = shares[at, :k].sum() + shares[at, k] / 2
        bottom.text(grid[at], middle, f"z = {k + 1}", ha="center", va="center", color="white" if k == 0 else "black")
    top.set(ylabel="density p(x)")
    bottom.set(xlabel="observation x", ylabel="p(z | x)", ylim=(0, 1), xlim=(grid[0], grid[-1]))

"""The posterior of two weights, NN(y) = w2 tanh(w1 y), after five data. Left: its density on a grid (grey, lines), two
modes that are mirror images; dashed: two standard deviations of the normal with the highest bound, which covers one of
them and pays a nat for it. Right: the data (dots), the mean and two standard deviations of the mean (dark) and of an
outcome (light); dashed: the curve of either mode, the same one. RAI.021, RAI.022.
"""
import numpy as np

from refvi.bayes.bayesian_nn.grid import first_layer, given_first_layer, on_grid, predictive
from refvi.bayes.bayesian_nn.model import bayesian_network, forward, joint_and_slope, log_joint
from refvi.bayes.bayesian_nn.rows import ascend, map_by_ascent

SIZE = (7.2, 3.1)
Y, X = np.array([-1.5, -1., 0.5, 1., 2.])[:, None], np.array([-0.9, -0.7, 0.4, 0.7, 1.])
NET = bayesian_network(1, (1,), prior_sd=1., beta=10., biases=False)
ROUND = np.linspace(0, 2 * np.pi, 73)


def best_normal(start):
    """Mean (2,) and triangular root (2, 2) of the covariance of the normal with the highest bound."""
    t, chances = np.polynomial.hermite_e.hermegauss(24)
    t = np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1).reshape(-1, 2)
    chances = np.outer(chances, chances).ravel() / chances.sum()**2

    def root(lam):
        return np.array([[np.exp(lam[2]), 0.], [lam[4], np.exp(lam[3])]])

    def bound(lam):
        value, slope = joint_and_slope(lam[:2] + t @ root(lam).T, X, Y, NET)
        in_root = slope.T @ (chances[:, None] * t)
        in_logs = 1 + np.diag(in_root) * np.exp(lam[2:4])
        return chances @ value + lam[2] + lam[3], np.concatenate([chances @ slope, in_logs, in_root[1, :1]])

    lam = ascend(bound, np.concatenate([start, [-1.2, -1.2, 0.]]))
    return lam[:2], root(lam)


def data(rng):
    new, sides = np.linspace(-4, 4, 81)[:, None], np.linspace(-3, 3, 121)
    evidence = on_grid(X, Y, NET, 320).log_evidence
    at = np.stack(np.meshgrid(sides, sides), axis=-1)
    density = np.exp(log_joint(at, X, Y, NET) - evidence)
    mode = map_by_ascent(np.array([0.8, 1.]), X, Y, NET)
    mean, root = best_normal(mode)
    found = given_first_layer(first_layer(NET, 320)[0], X, Y, NET)
    return dict(sides=sides, density=density, mode=mode, ring=mean[:, None] + 2 * root @ [np.cos(ROUND), np.sin(ROUND)],
                new=new[:, 0], predictive=predictive(new, found, NET), curve=forward(mode, new, NET)[-1][:, 0])


def draw(figure, sides, density, mode, ring, new, predictive, curve):
    left, right = figure.subplots(1, 2)
    levels = np.array(density).max() * np.array([0.02, 0.1, 0.3, 0.6, 0.9])
    left.contourf(sides, sides, density, [*levels, np.inf], colors=["0.92", "0.84", "0.74", "0.62", "0.5"])
    left.contour(sides, sides, density, levels, colors="0.3", linewidths=0.6)
    left.plot(*ring, color="C1", linestyle="--", label="best normal")
    left.plot(*np.outer(mode, [1, -1]), "x", color="C0", label="modes")
    left.set(xlabel="weight w₁", ylabel="weight w₂", title="posterior density", xlim=(-3, 3), ylim=(-3, 3))
    left.legend(loc="upper left")
    mean, variance = np.array(predictive)
    for sd, grey, label in ((np.sqrt(variance), "0.87", "an outcome"), (np.sqrt(variance - 0.1), "0.7", "the mean")):
        right.fill_between(new, mean - 2 * sd, mean + 2 * sd, color=grey, linewidth=0, label=label)
    right.plot(new, mean, color="C1")
    right.plot(new, curve, color="C1", linestyle="--", label="a mode's curve")
    right.plot(Y[:, 0], X, "o", color="C0", label="data")
    right.set(xlabel="input y", ylabel="outcome x", title="prediction", xlim=(-4, 4), ylim=(-2.4, 2.4))
    right.legend(loc="upper left")

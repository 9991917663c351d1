"""Left: a regression with two weights, and what each method takes for their posterior: ellipses that hold half of the
mass, exact (lines), and iterates of descent on minibatches (dots). Independent weights are too sure, and descent is as
wide as its steps. Right: the deviation of both weights among the iterates over that of the posterior, against the step
size. Dots: measured over 2,000 runs, two standard errors; lines: exact. RAI.023 to RAI.025, RAI.030 to RAI.032.
"""
import numpy as np

from refvi.bayes.bnn_inference.laplace import curvature, damped_laplace, diagonal_laplace, full_laplace, mode
from refvi.bayes.bnn_inference.swag import covariance_of_a_long_run, stationary_of_minibatches
from refvi.bound.mean_field import divergence_of_normals

SIZE = (7.2, 3.2)
Y = np.column_stack([np.ones(8), np.linspace(0.25, 2., 8)])
X = np.array([[0.9], [1.9], [0.8], [2.1], [1.3], [2.6], [1.9], [3.1]])
B, PRIOR_SD, M = np.array([[4.]]), 2., 2
STEPS = np.array([0.0005, 0.001, 0.002, 0.004, 0.007])
SHOWN = STEPS[[1, 4]]       # in the left panel
R, WARM = 2_000, 9         # runs, and times that the slowest direction is given to forget where it began
HALF = np.sqrt(2 * np.log(2))


def methods():
    """{method: covariance (2, 2)}, all of the same mean."""
    half = {f"SWAG, step {eta:g}": covariance_of_a_long_run(stationary_of_minibatches(X, Y, B, PRIOR_SD, eta, M))
            for eta in STEPS}
    return {"exact": full_laplace(Y, B, PRIOR_SD), "diagonal": np.diag(diagonal_laplace(Y, B, PRIOR_SD)), **half}


def descended(rng, eta, steps):
    """w (R, 2) after so many steps from the mode, each of R runs with minibatches of its own."""
    w = np.tile(mode(X, Y, B, PRIOR_SD), (R, 1))
    for _ in range(steps):
        batch = rng.integers(0, len(Y), (R, M))
        rest = X[batch, 0] - np.sum(Y[batch] * w[:, None], axis=-1)
        w = w + eta * (len(Y) / M * B[0, 0] * np.sum(rest[..., None] * Y[batch], axis=1) - w / PRIOR_SD**2)
    return w


def data(rng):
    found, exact = methods(), full_laplace(Y, B, PRIOR_SD)
    mean, slowest = mode(X, Y, B, PRIOR_SD), np.linalg.eigvalsh(curvature(Y, B, PRIOR_SD))[0]
    own, ends = np.sqrt(np.diag(exact)), [descended(rng, eta, int(WARM / (2 * eta * slowest)) + 1) for eta in STEPS]
    squares = [(w - mean)**2 / own**2 for w in ends]
    spread = np.array([np.mean(square, axis=0) for square in squares])
    error = np.array([np.std(square, axis=0) / np.sqrt(R) for square in squares])
    at = np.linspace(1e-5, STEPS[-1] * 1.1, 40)
    line = np.array([np.diag(stationary_of_minibatches(X, Y, B, PRIOR_SD, eta, M)) / own**2 for eta in at])
    stationary = np.array([np.diag(stationary_of_minibatches(X, Y, B, PRIOR_SD, eta, M)) / own**2 for eta in STEPS])
    damped = damped_laplace(Y, B, PRIOR_SD)
    kl = [divergence_of_normals(mean, covariance, mean, exact) for covariance in (*found.values(), damped)]
    return dict(mean=mean, covariances=np.array(list(found.values())), damped=damped, divergences=kl,
                steps=at, line=np.sqrt(line), independent=np.sqrt(np.diag(found["diagonal"])) / own, at=STEPS,
                random_small=ends[1][:150], random_large=ends[4][:150],
                measured=np.sqrt(spread).T.ravel(), error=(error / (2 * np.sqrt(spread))).T.ravel(),
                exact=np.sqrt(stationary).T.ravel())


def ellipse(mean, covariance):
    """Points (2, 200) of the ellipse that holds half of a normal's mass."""
    turn = np.linspace(0, 2 * np.pi, 200)
    return mean[:, None] + HALF * np.linalg.cholesky(covariance) @ [np.cos(turn), np.sin(turn)]


def draw(figure, mean, covariances, damped, divergences, steps, line, independent, at, random_small, random_large,
         measured, error, exact):
    left, right = figure.subplots(1, 2)
    names = list(methods())
    for points, colour, marker in ((random_large, "C1", "x"), (random_small, "C2", ".")):
        left.plot(*np.array(points).T, marker, color=colour, markersize=3, alpha=0.5)
    for name, colour, style, width in (("exact", "black", "-", 1.8), ("diagonal", "C0", "--", 1.5),
                                       (f"SWAG, step {SHOWN[0]:g}", "C2", "-.", 1.2),
                                       (f"SWAG, step {SHOWN[1]:g}", "C1", ":", 1.8)):
        label = "independent weights" if name == "diagonal" else name
        points = ellipse(np.array(mean), covariances[names.index(name)])
        left.plot(*points, style, color=colour, linewidth=width, label=label)
    left.set(xlabel="offset", ylabel="slope", title="Half of the mass", ylim=(0.4, None))
    left.legend(loc="lower left", fontsize="small")
    measured, error = (np.reshape(value, (2, -1)) for value in (measured, error))
    for j, (name, colour, style, marker) in enumerate((("offset", "C1", "-", "o"), ("slope", "C2", "--", "s"))):
        right.plot(1000 * steps, line[:, j], style, color=colour, label=f"iterates, {name}")
        right.errorbar(1000 * at, measured[j], 2 * error[j], fmt=marker, color=colour, markersize=4)
    right.axhline(1, color="black", label="posterior")
    right.axhline(np.mean(independent), color="C0", linestyle=":", label="independent weights")
    right.set(xlabel="1000 × step size", ylabel="deviation over the posterior's", ylim=(0, 1.1), xlim=(0, None),
              title="As wide as the step")
    right.legend(loc="upper left", bbox_to_anchor=(0, 0.92), fontsize="small")

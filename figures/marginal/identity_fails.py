"""Four ways in which the identity fails: a moving support, a jump, no dominating function, infinite variance.

Top left: the gap between the true slope and the identity is the boundary term. Top right: sharper sigmoids keep the
mean, and their single-draw standard deviation grows without bound. Bottom left: difference quotients grow like a
logarithm. Bottom right: posterior averages of a half-t(1.5) variable, whose mean exists and whose variance does not,
in four runs.
"""
import numpy as np
from scipy.special import gamma, ndtr

X, THRESHOLD, DF = 1.0, 0.4, 1.5


def phi(z):
    return np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)


def data(rng):
    edge = np.linspace(0.8, 3.5, 55)
    evidence = ndtr(edge - X) - ndtr(-X)
    sharpness, z = np.geomspace(1, 1000, 13), np.linspace(-9, 9, 2_000_001)
    slopes = (sharp_slope(z, k) for k in sharpness)
    s = np.array([[np.sum(phi(z) * g), np.sum(phi(z) * g**2)] for g in slopes]) * (z[1] - z[0])
    h, u = np.geomspace(1e-4, 1, 17), np.linspace(-30, 60, 90_001)
    half_cauchy = (u[1] - u[0]) / (np.pi * (np.exp(-u) + np.exp(u)))        # half of its density in u = log z
    quotients = [np.sum(np.tanh(0.5 * v * np.exp(u)) / v * half_cauchy) for v in h]
    runs = np.abs(rng.standard_t(DF, (4, 10_000)))
    at = np.unique(np.geomspace(10, 10_000, 60).astype(int))
    mean = 2 * np.sqrt(DF) * gamma((DF + 1) / 2) / (np.sqrt(np.pi) * (DF - 1) * gamma(DF / 2))
    boundary = phi(edge - X) / evidence
    return dict(edge=edge, true_slope=boundary - 1 / edge, identity=-1 / edge, boundary=boundary, sharpness=sharpness,
                sharp_mean=s[:, 0], sharp_sd=np.sqrt(s[:, 1] - s[:, 0]**2), step_slope=-0.8 * phi(THRESHOLD), h=h,
                quotients=quotients, at=at, half_t_mean=mean,
                random_means=(np.cumsum(runs, axis=1) / np.arange(1, 10_001))[:, at - 1])


def sharp_slope(z, k):
    """d/d threshold of 0.1 + 0.8 sigmoid(k (z - threshold))."""
    return -0.8 * k * 0.25 / np.cosh(np.clip(0.5 * k * (z - THRESHOLD), -300, 300))**2


def draw(figure, edge, true_slope, identity, boundary, sharpness, sharp_mean, sharp_sd, step_slope, h, quotients, at,
         random_means, half_t_mean):
    figure.set_size_inches(7.2, 5)
    (a, b), (c, d) = figure.subplots(2, 2)
    a.plot(edge, true_slope, color="C0", label="true slope")
    a.plot(edge, identity, color="C2", linestyle="--", label="identity alone")
    a.fill_between(edge, identity, identity + boundary, color="0.9", label="boundary term")
    a.set(xlabel="edge θ of the support", ylabel="slope of log p(x | θ)", title="a support that moves")
    a.legend()
    b.axhline(-step_slope, color="0.6", linewidth=0.8)
    b.plot(sharpness, -sharp_mean, color="C0", label="mean")
    b.plot(sharpness, sharp_sd, color="C2", linestyle="--", label="sd of a single draw")
    b.set(xscale="log", yscale="log", xlabel="sharpness k of the sigmoid", ylabel="slope of p(x = 1), negated",
          title="a jump, approached")
    b.legend()
    c.plot(h, quotients, color="black")
    c.set(xscale="log", xlabel="step h", ylabel="(p(h) − p(0)) / h", title="no dominating function")
    for k, (run, line) in enumerate(zip(random_means, ("-", "--", "-.", "-"))):
        d.plot(at, run, color=f"C{k + 1}", linestyle=line)
    d.axhline(half_t_mean, color="C0")
    d.set(xscale="log", xlabel="draws S", ylabel="average of |z|", title="infinite variance (mean: line)")

"""More weights raise the bound to the evidence; its gradient's signal drowns in noise, that of q's scale after a rise.

One normal latent variable, one observation, q off the posterior. Left: dots are means of 60,000 estimates with two
standard errors, squares exact bounds by the joint rule, the dashed line the evidence less the leading loss Var(w) /
(2 S p(x)^2). Right: dots are measured ratios of mean to standard deviation of the path gradient, lines their limit
for large S, |gradient of Var(w)| / (2 sqrt(S) p(x) sd(gradient of w)), by quadrature.
"""
import autograd.numpy as anp
import numpy as np
from autograd import grad
from matplotlib.ticker import NullLocator

from refvi import Model, normal
from refvi.base.core import expectation, gradient_of_each
from refvi.bound.elbo.importance import bound, log_average_weight, path_gradient

R, FEW = 60_000, np.array([1, 2, 3])
PRIOR, NOISE, X = np.array([0., np.log(1.5)]), np.array([0., np.log(0.7)]), 1.3
LAM = np.array([0.1, np.log(0.75)])
P = Model(lambda z, theta: normal.log_prob(z, PRIOR), lambda x, z, theta: normal.log_prob(x - z, NOISE))


def weight(z, lam):
    return anp.exp(P.log_joint(z, X, None) - normal.log_prob(z, lam))


def limits():
    """(p(x), Var(w), limit of sqrt(S) times the signal-to-noise ratio of both coordinates), by quadrature over q."""
    nodes, standard = normal.nodes(LAM, 400), normal.nodes(np.zeros(2), 400)

    def mean_square(lam):
        return expectation(lambda z: weight(z, lam)**2, normal, lam, nodes)

    def squares_of_gradients(eps):
        return gradient_of_each(lambda eps, lam: weight(normal.transport(eps, lam), lam), eps, LAM)**2

    evidence = expectation(lambda z: weight(z, LAM), normal, LAM, nodes)
    signal = np.abs(grad(mean_square)(LAM)) / (2 * evidence)        # E[w] does not move with lam
    noise = np.sqrt(expectation(squares_of_gradients, normal, np.zeros(2), standard))
    return evidence, mean_square(LAM) - evidence**2, signal / noise


def data(rng):
    S = 2**np.arange(7)
    evidence, variance, limit = limits()
    logs = [log_average_weight(normal.sample(rng, LAM, (R, s)), P, normal, LAM, X, None) for s in S]
    gradients = [path_gradient(rng.standard_normal((R, s)), P, normal, LAM, X, None) for s in S]
    by_rule = [bound(s, P, normal, LAM, X, None) for s in FEW]
    return dict(S=S, few=FEW, log_evidence=np.log(evidence), bound_by_rule=by_rule, signal_error=1 / np.sqrt(R),
                line_S=np.geomspace(2, 64, 40), loss=variance / (2 * evidence**2), limit=limit,
                measured_bound=[v.mean() for v in logs[:2]], error_bound=[v.std() / np.sqrt(R) for v in logs[:2]],
                exact_bound=by_rule[:2],
                random_bound=[v.mean() for v in logs], random_error=[v.std() / np.sqrt(R) for v in logs],
                random_signal=[np.abs(g.mean(axis=0)) / g.std(axis=0) for g in gradients])


def draw(figure, S, few, log_evidence, bound_by_rule, line_S, loss, limit, random_bound, random_error, random_signal,
         signal_error, **compared):
    figure.set_size_inches(6.4, 3.1)
    left, right = figure.subplots(1, 2)
    left.axhline(log_evidence, color="C0")
    left.text(S[-1], log_evidence, "log evidence", ha="right", va="bottom")
    left.plot(line_S, log_evidence - loss / line_S, color="C1", linestyle="--", label="leading loss")
    left.plot(few, bound_by_rule, "s", markersize=8, markerfacecolor="none", color="C0", label="exact, by the rule")
    left.errorbar(S, random_bound, 2 * random_error, fmt="o", color="C2", capsize=2, label="measured")
    left.set(ylabel="bound, in nats", ylim=(bound_by_rule[0] - 0.06, log_evidence + 0.12), title="the bound rises ...")
    left.legend(loc="lower right")
    far = line_S[16:]
    coordinates = ("location μ", "o", "-", "C1"), ("scale log σ", "^", "--", "C2")
    for d, (name, marker, style, color) in enumerate(coordinates):
        right.plot(far, limit[d] / np.sqrt(far), color=color, linestyle=style)
        right.errorbar(S, random_signal[:, d], 2 * signal_error, fmt=marker, color=color, capsize=2, label=name)
    right.set(yscale="log", ylabel="mean / sd of the gradient", yticks=[0.1, 0.2, 0.5, 1],
              title="... its gradient drowns in noise")
    right.yaxis.set_major_formatter("{x:g}")
    right.yaxis.set_minor_locator(NullLocator())
    right.legend(loc="upper right")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.set_xlabel("weights in the average S")

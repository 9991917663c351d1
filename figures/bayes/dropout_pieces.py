"""Left: what noise of variance alpha does to a fitted regression. It costs likelihood, it saves divergence from the
log-uniform prior, and the bound, their sum, has a maximum in between. Right: that divergence of one weight, up to its
constant, against two formulas in use. The cubic, made for alpha up to 1, falls away beyond; the formula with a sigmoid
lies within the line's width. Dots: averages of 20,000 draws, two standard errors. RAI.049, RAI.055.
"""
import numpy as np

from refvi.bayes.dropout.divergence import cubic, divergence_from_log_uniform, sigmoid_formula
from refvi.bayes.dropout.rows import average_of_draws, ridge_form, ridge_solution

SIZE = (7.2, 3.0)
R = 20_000
Y = np.cos(np.outer(np.arange(1, 21), [1., 2.3, 3.7]))
NOISE_SD = 0.7
X = Y @ [1.2, -0.7, 0.4] + NOISE_SD * np.sin(5 * np.arange(1, 21))
ALPHA = np.geomspace(0.01, 3, 60)
FEW = np.array([0.02, 0.1, 0.3, 0.6, 1.])
WIDE = np.geomspace(1e-2, 100, 120)
SEEN = np.array([0.02, 0.2, 1., 4., 30.])


def data(rng):
    w = ridge_solution(X, Y, 0.1)
    fitted = ridge_form(w, 1e-12, X, Y, NOISE_SD)
    drawn = np.array([average_of_draws(1 + np.sqrt(alpha) * rng.standard_normal((R, 1, 3)), w, X, Y, NOISE_SD)
                      for alpha in FEW]) - fitted
    logs = np.array([np.log(np.abs(1 + np.sqrt(alpha) * rng.standard_normal(R))) for alpha in SEEN])
    entropy = 0.5 * np.log(2 * np.pi * np.e * SEEN)
    at_one = float(divergence_from_log_uniform(1.))
    at_infinity = float(divergence_from_log_uniform(1e12))
    return dict(alpha=ALPHA, objective=[ridge_form(w, alpha, X, Y, NOISE_SD) - fitted for alpha in ALPHA],
                divergence=3 * divergence_from_log_uniform(ALPHA), few=FEW, seen=SEEN,
                measured_objective=np.mean(drawn, axis=1), error_objective=np.std(drawn, axis=1) / np.sqrt(R),
                exact_objective=[ridge_form(w, alpha, X, Y, NOISE_SD) - fitted for alpha in FEW], wide=WIDE,
                line=divergence_from_log_uniform(WIDE), kingma=cubic(WIDE) - cubic(1.) + at_one,
                molchanov=sigmoid_formula(WIDE) + at_infinity,
                measured_divergence=np.mean(logs, axis=1) - entropy, error_divergence=np.std(logs, axis=1) / np.sqrt(R),
                exact_divergence=divergence_from_log_uniform(SEEN))


def draw(figure, alpha, objective, divergence, few, wide, line, kingma, molchanov, seen, **compared):
    left, right = figure.subplots(1, 2)
    bound = objective - divergence
    left.plot(alpha, objective, color="C0", label="E log p − log p at w")
    left.plot(alpha, -divergence, "--", color="C1", label="−divergence")
    left.plot(alpha, bound, color="C2", linewidth=2, label="their sum")
    left.plot(alpha[np.argmax(bound)], np.max(bound), "|", color="C2", markersize=14)
    left.errorbar(few, compared["measured_objective"], 2 * compared["error_objective"], fmt="o", color="C0",
                  markersize=3)
    left.set(xscale="log", xlabel="α", ylabel="nats", title="Three weights, one α", ylim=(-12, 6))
    left.legend(loc="lower left")
    right.plot(wide, line, color="C0", label="exact")
    right.plot(wide, molchanov, ":", color="C3", linewidth=3, label="with a sigmoid")
    right.plot(wide, kingma, "--", color="C2", label="cubic")
    right.errorbar(seen, compared["measured_divergence"], 2 * compared["error_divergence"], fmt="o", color="C0",
                   markersize=3)
    right.set(xscale="log", xlabel="α", ylabel="nats, up to a constant", title="Divergence of one weight",
              ylim=(-2.6, 1.1))
    right.legend(loc="upper right")

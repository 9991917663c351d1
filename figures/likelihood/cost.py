"""What one evidence costs against the dimension of its latent variable: a product rule multiplies by its nodes with
every dimension, a sum over bits by two, and draws from the prior by what their weights vary more.

x = 0 with noise of deviation 0.7 around z, z standard normal, in D independent dimensions. Lines are exact; dots: draws
for a relative error of a tenth, from the variance of 20,000 weights, with two standard errors.
"""
import numpy as np

NODES, SD, ERROR, R = 40, 0.7, 0.1, 20_000


def data(rng):
    D = np.arange(1, 9)
    mean = 1 / np.sqrt(1 + SD**2)                   # of exp(-z^2 / (2 sd^2)) over sd, one dimension
    square = 1 / (SD * np.sqrt(2 + SD**2))
    exact = ((square / mean**2)**D - 1) / ERROR**2
    squares = [np.exp(-np.sum(rng.standard_normal((R, d))**2, axis=1) / (2 * SD**2)) / SD**d / mean**d for d in D]
    variances = [(w - 1)**2 for w in squares]
    return dict(D=D, rule=float(NODES)**D, bits=2.**D, exact_draws=exact,
                measured_draws=[v.mean() / ERROR**2 for v in variances],
                error_draws=[v.std() / np.sqrt(R) / ERROR**2 for v in variances])


def draw(figure, D, rule, bits, exact_draws, measured_draws, error_draws):
    axes = figure.add_subplot()
    axes.plot(D, rule, color="C0")
    axes.plot(D, bits, "--", color="C1")
    axes.plot(D, exact_draws, "-.", color="C2")
    axes.errorbar(D, measured_draws, 2 * error_draws, fmt="o", color="C2", capsize=2)
    for text, y in ((f"{NODES} nodes on each axis", rule[4]), ("draws", exact_draws[4] * 2), ("bits", bits[4])):
        axes.annotate(text, (D[4], y), xytext=(4, -12 if text != "draws" else 2), textcoords="offset points")
    axes.set(yscale="log", xlabel="dimensions of the latent variable D", ylabel="joint densities evaluated")

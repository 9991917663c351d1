"""Steps of 1/t arrive, steps of 1/sqrt(t) more slowly; a constant step stays in a neighbourhood, steps of 1/(2 t^2)
freeze.

theta <- theta + rho_t (x_t - theta) with x_t normal around 1, from theta = 4. Left: one run each. Right: the root
mean squared error of 400 runs (dots, two standard errors) on its exact line, the recursion (1 - rho)^2 v + rho^2
Var(x).
"""
import numpy as np

from refvi.base.optimize import gradient_ascent

R, T, START, TOP = 400, 400, 4., 1.
SCHEDULES = {"one_over_t": lambda t: 1 / t, "one_over_root": lambda t: t**-0.5, "constant": lambda t: 0.2,
             "frozen": lambda t: 0.5 / t**2}
STYLES = {"one_over_t": ("C0", "-", "o", "1/t"), "one_over_root": ("C1", "-.", "D", "1/√t"),
          "constant": ("C2", "-", "s", "0.2"), "frozen": ("C3", "--", "^", "1/(2t²)")}
AT = np.unique(np.geomspace(1, T, 16).astype(int))


def data(rng):
    numbers = dict(t=np.arange(T + 1), at=AT)
    for name, rate in SCHEDULES.items():
        path = np.full((T + 1, R), START)

        def watch(t, theta):
            path[t] = theta

        gradient_ascent(lambda theta: TOP + rng.standard_normal(R) - theta, path[0], T, rate, watch)
        square = (path[AT] - TOP)**2
        exact = [(START - TOP)**2]
        for t in range(1, T + 1):
            exact.append((1 - rate(t))**2 * exact[-1] + rate(t)**2)
        root = np.sqrt(square.mean(axis=1))
        error = square.std(axis=1) / np.sqrt(R) / (2 * root)
        numbers |= {f"random_{name}": path[:, 0], f"measured_{name}": root, f"error_{name}": error,
                    f"exact_{name}": np.sqrt(exact)[AT], f"line_{name}": np.sqrt(exact)}
    return numbers


def draw(figure, t, at, **numbers):
    figure.set_size_inches(7.2, 3.4)
    left, right = figure.subplots(1, 2)
    for name, (color, line, marker, label) in STYLES.items():
        left.plot(t[1:], numbers[f"random_{name}"][1:], color=color, linestyle="--" if name == "frozen" else "-",
                  linewidth=1, zorder=1 if name == "constant" else 2, label=f"ρ = {label}")
        right.plot(t[1:], numbers[f"line_{name}"][1:], color=color, linestyle=line)
        right.errorbar(at, numbers[f"measured_{name}"], 2 * numbers[f"error_{name}"], fmt=marker, color=color,
                       capsize=2, label=f"ρ = {label}")
    left.axhline(TOP, color="black", linewidth=0.6, linestyle=":")
    left.set(xscale="log", xlabel="step t", ylabel="parameter θ", title="one run each, maximum at 1 (dotted)")
    left.legend()
    right.set(xscale="log", yscale="log", xlabel="step t", ylabel="root mean squared error of θ",
              title="400 runs, exact lines")
    right.legend(loc="lower left")

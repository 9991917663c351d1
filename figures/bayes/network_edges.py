"""Left: a network with one hidden layer as circles and arrows. Middle: after point estimation each edge of a network of
seven weights carries a number, the weights of the highest posterior density. Right: in the Bayesian network every edge
carries a density of its weight given the same ten data, exact but for the grid's width, with zero as a tick; of eight
copies that differ in the units' order and signs, one is drawn. RAI.002, RAI.020.
"""
import numpy as np
from matplotlib.patches import Circle
from two_bands import NET, Y, outcomes, posterior

from refvi.bayes.bayesian_nn.rows import map_by_ascent

SIZE = (7.2, 2.2)
QUICK = dict(n=20)     # nodes on each of four axes
AT = np.linspace(-7, 7, 113)
# ends of the seven edges in the order of the weights, and how far along each its number stands
EDGES = ((("y", "h1"), 0.5), (("y", "h2"), 0.35), (("1", "h1"), 0.3), (("1", "h2"), 0.65),
         (("h1", "x"), 0.5), (("h2", "x"), 0.5), (("one", "x"), 0.5))
PLACES = {"y": (0, 2.5), "1": (0, 0.3), "h1": (2.6, 2.7), "h2": (2.6, 1.3), "one": (2.6, 0.), "x": (4.8, 1.3)}


def densities(found):
    """Of the seven weights at AT: shares of nodes over their spacing, then mixtures of normals."""
    masses, rows = np.exp(found.log_masses), []
    for k in range(4):
        values = np.unique(np.round(found.first[:, k], 9))
        spacing = np.diff(values)[0]
        shares = np.bincount(np.rint((found.first[:, k] - values[0]) / spacing).astype(int), masses)
        rows.append(np.interp(AT, values, shares / spacing, 0., 0.))
    for k in range(3):      # whose prior deviations are one
        mean, sd = found.mean[:, k, None], np.sqrt(found.covariance[:, k, k, None])
        rows.append(masses @ (np.exp(-0.5 * ((AT - mean) / sd)**2) / (sd * np.sqrt(2 * np.pi))))
    return np.array(rows)


def data(rng, n=36):
    x = outcomes(rng)
    found = posterior(x, n)
    best = np.argmax(found.log_masses)
    start = np.concatenate([found.first[best], found.mean[best]])
    return dict(at=AT, random_density=densities(found), random_weights=map_by_ascent(start, x, Y, NET))


def circles(axes, places, names, observed=()):
    axes.set_aspect("equal")
    axes.axis("off")
    low, high = np.min(list(places.values()), axis=0) - 0.32, np.max(list(places.values()), axis=0) + 0.32
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1] + 0.15))
    for key, place in places.items():
        axes.add_patch(Circle(place, 0.28, facecolor="0.85" if key in observed else "white", edgecolor="black",
                              zorder=3))
        axes.text(*place, names.get(key, key), ha="center", va="center", zorder=4)


def line(axes, a, b):
    axes.plot(*np.transpose([a, b]), color="0.35", linewidth=0.9, zorder=1)


def graph(axes):
    """Four inputs, three hidden units, one output, all edges."""
    inputs = {f"y{n}": (0, 3.6 - 0.9 * n) for n in range(1, 5)}
    hidden = {f"h{n}": (1.8, 3.15 - 0.9 * n) for n in range(1, 4)}
    for place in inputs.values():
        for other in hidden.values():
            line(axes, place, other)
    for other in hidden.values():
        line(axes, other, (3.4, 1.35))
    lower = str.maketrans("1234", "₁₂₃₄")
    circles(axes, inputs | hidden | {"x": (3.4, 1.35)}, {name: name.translate(lower) for name in (inputs | hidden)},
            (*inputs, "x"))
    axes.text(1., 2.72, "W⁽¹⁾", ha="center", va="center")
    axes.set_title("one hidden layer")


def network(axes, title):
    for (a, b), _ in EDGES:
        line(axes, PLACES[a], PLACES[b])
    circles(axes, PLACES, {"h1": "h₁", "h2": "h₂", "one": "1"}, ("y", "x", "1", "one"))
    axes.set_title(title)


def draw(figure, at, random_density, random_weights):
    left, middle, right = figure.subplots(1, 3, width_ratios=(0.8, 1.1, 1.1))
    graph(left)
    network(middle, "a number on each edge")
    network(right, "a density on each edge")
    for ((a, b), share), density, weight in zip(EDGES, np.array(random_density), random_weights):
        spot = np.array(PLACES[a]) + share * (np.array(PLACES[b]) - PLACES[a])
        middle.text(*spot, f"{weight:.1f}", ha="center", va="center", zorder=2, fontsize=9,
                    bbox=dict(facecolor="white", edgecolor="none", pad=0.6))
        across, up = spot[0] + 0.062 * np.array(at), spot[1] - 0.1 + 0.45 * density / density.max()
        right.fill_between(across, spot[1] - 0.1, up, facecolor="white", zorder=2, linewidth=0)
        right.fill_between(across, spot[1] - 0.1, up, facecolor="C3", alpha=0.6, zorder=2, linewidth=0)
        right.plot(across, up, color="C1", linewidth=0.9, zorder=2)
        right.plot([spot[0]] * 2, [spot[1] - 0.17, spot[1] - 0.1], color="black", linewidth=0.9, zorder=2)

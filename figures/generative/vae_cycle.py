"""Training, round and round, clockwise: make samples, compute the gradient, update the weights, and the bound has
risen. PML.139.

The numbers are the three stations, their places on the circle and the three arrows between them.
"""
import numpy as np
from matplotlib.patches import Ellipse, FancyBboxPatch

STATIONS = (r"increased $\mathcal{L}(φ, θ)$", r"$\{z_i\}$", r"$∇_{φ, θ}\,\mathcal{L}(φ, θ)$")
STEPS = ("(1) make samples", "(2) compute gradient", "(3) update $φ, θ$")
COLOURS = ("#b9d3ee", "#f3b8b0", "#bfe0b8")


def data(rng):
    return dict(stations=np.array(["bound", "samples", "gradient"]), angle=np.array([90., -30., -150.]),
                arrows=np.array([[0, 1], [1, 2], [2, 0]]))


def draw(figure, stations, angle, arrows):
    figure.set_size_inches(5.4, 3.2)
    axes = figure.add_subplot()
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set(xlim=(-2.6, 2.6), ylim=(-1.4, 1.5))
    for a, (start, end), word in zip(angle, arrows, STEPS):
        leave, arrive = np.deg2rad(angle[start]
                                   - (44 if start == 0 else 27)), np.deg2rad(angle[start] - 120
                                                                             + (44 if end == 0 else 27))
        bend = f"arc3,rad={-np.tan((leave - arrive) / 4):.3f}"
        axes.annotate("", at(arrive), at(leave), arrowprops=dict(arrowstyle="-|>", color="black", shrinkA=0, shrinkB=0,
                                                                 linewidth=1.4, connectionstyle=bend))
        middle = (leave + arrive) / 2
        side = "left" if np.cos(middle) > 0.3 else "right" if np.cos(middle) < -0.3 else "center"
        axes.text(*(1.12 if side != "center" else 1.0) * at(middle), word if side != "center" else "\n" + word,
                  ha=side, va="center" if side != "center" else "top", fontsize=11)
    for a, name, text, colour in zip(angle, stations, STATIONS, COLOURS):
        x, y = at(np.deg2rad(a))
        shape = Ellipse((x, y), 0.95, 0.6) if name == "samples" else FancyBboxPatch((x - 0.62, y - 0.2), 1.24, 0.4,
                                                                                    boxstyle="round,pad=0.06")
        shape.set(facecolor=colour, edgecolor="black")
        axes.add_patch(shape)
        axes.text(x, y, text, ha="center", va="center", fontsize=11)


def at(radians):
    """A place on the circle."""
    return np.array([1.25 * np.cos(radians), 1.1 * np.sin(radians)])

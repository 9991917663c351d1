"""Bayesian linear regression: both weights theta are shared, each target has its own input and the same noise. PML.039.

The numbers are the edges and the plate; the test reads p(theta|sigma_theta) prod_i p(Y_i|x_i, theta, sigma_y) off them.
The covariance of theta is sigma_theta^2 I, where the slide writes sigma_theta I (PML.040).
"""
from plates import draw_graph

PLACES = {"$x_i$": (0.2, 0.), "$Y_i$": (1.2, 0.), "$θ$": (1.2, 1.15), "$σ_θ$": (2.3, 1.15), "$σ_y$": (2.3, 0.)}


def data(rng):
    edges = [["$x_i$", "$Y_i$"], ["$σ_θ$", "$θ$"], ["$θ$", "$Y_i$"], ["$σ_y$", "$Y_i$"]]
    return dict(edges=edges, plate=["$x_i$", "$Y_i$"], observed=["$Y_i$"], random=["$θ$", "$Y_i$"])


def draw(figure, edges, plate, observed, random):
    figure.set_size_inches(3., 2.2)
    axes = figure.add_subplot()
    draw_graph(axes, PLACES, edges, plate, observed, random, size="i = 1, …, N", side="left")
    axes.set(xlim=(-0.35, 2.6), ylim=(-0.55, 1.5))

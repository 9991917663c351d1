"""Bayesian linear regression: both weights theta are shared, each target has its own input and the same noise. PML.039.

The numbers are the edges and the plate; the test reads p(theta|sigma_theta) times the product of p(Y_i|x_i, theta, sigma_y) off them.
The covariance of theta is sigma_theta^2 I, where the slide writes sigma_theta I (PML.040).
"""
import numpy as np
from plates import draw_graph

PLACES = {"$x_i$": (0.0, 0.0), "$Y_i$": (1.2, 0.0), "$θ$": (1.2, 1.25), "$σ_θ$": (2.4, 1.25), "$σ_y$": (2.4, 0.0)}


def data(rng):
    return dict(edges=np.array([["$x_i$", "$Y_i$"], ["$σ_θ$", "$θ$"], ["$θ$", "$Y_i$"], ["$σ_y$", "$Y_i$"]]), plate=np.array(["$x_i$", "$Y_i$"]),
                observed=np.array(["$Y_i$"]), random=np.array(["$θ$", "$Y_i$"]))


def draw(figure, edges, plate, observed, random):
    figure.set_size_inches(3.6, 2.6)
    axes = figure.add_subplot()
    draw_graph(axes, PLACES, edges, plate, observed, random, size="i = 1, …, N", side="left")
    axes.set(xlim=(-0.7, 2.8), ylim=(-0.75, 1.65))

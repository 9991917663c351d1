"""The simple Gaussian model: mean mu and precision gamma are shared by all data. PML.114.

The numbers are the edges and the plate; the test reads p(mu) p(gamma) times the product of p(X_i|mu, gamma) off them.
"""
import numpy as np
from plates import draw_graph

PLACES = {"$μ$": (-1.25, 0.0), "$X_i$": (0.0, 0.0), "$γ$": (1.25, 0.0)}


def data(rng):
    edges = np.array([["$μ$", "$X_i$"], ["$γ$", "$X_i$"]])
    return dict(edges=edges, plate=np.array(["$X_i$"]), observed=np.array(["$X_i$"]),
                random=np.array(["$μ$", "$X_i$", "$γ$"]))


def draw(figure, edges, plate, observed, random):
    figure.set_size_inches(3.6, 1.9)
    axes = figure.add_subplot()
    draw_graph(axes, PLACES, edges, plate, observed, random)
    axes.set(xlim=(-1.65, 1.65), ylim=(-0.75, 0.65))

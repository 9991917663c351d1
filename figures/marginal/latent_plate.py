"""The latent variable model: z unobserved, x observed, both once for every datum; theta belongs to the likelihood
alone. UA.063.

The numbers are the edges and the plate; the test reads p(z) p(x|z, theta) off them.
"""
import numpy as np
from plates import draw_graph

PLACES = {"z": (0.0, 1.0), "x": (0.0, 0.0), "θ": (1.3, 0.0)}


def data(rng):
    return dict(edges=np.array([["z", "x"], ["θ", "x"]]), plate=np.array(["z", "x"]), observed=np.array(["x"]),
                random=np.array(["z", "x"]))


def draw(figure, edges, plate, observed, random):
    figure.set_size_inches(3.2, 2.6)
    axes = figure.add_subplot()
    draw_graph(axes, PLACES, edges, plate, observed, random)
    axes.set(xlim=(-0.9, 1.9), ylim=(-0.85, 1.65))

"""Conditional density estimation, four times: upright and across with parameters (UA.024, UA.026), without them
(SA.15), and as a factor graph (SA.43).

x is random and observed, all else is given, and everything but the parameters is repeated. The numbers are the edges
and the plate of each; the test reads prod_n p(x_n|y_n, theta) off them. SA writes phi for the side information and w
for the parameters, which its two pictures leave out, but for the name of the factor.
"""
import numpy as np
from plates import draw_graph

SIZE = (8.2, 2.4)
TITLES = ("UA, upright", "UA, across", "SA", "SA, a factor")
PLACES = ({"y": (0.0, 1.15), "x": (0.0, 0.0), "θ": (1.25, 0.0)}, {"y": (-1.15, 0.0), "x": (0.0, 0.0), "θ": (1.25, 0.0)},
          {"φ": (-1.15, 0.0), "x": (0.0, 0.0)}, {"φ": (-1.3, 0.0), "x": (0.0, 0.0)})


def data(rng):
    with_parameters = [["y", "x"], ["θ", "x"]]
    return dict(upright=np.array(with_parameters), across=np.array(with_parameters), plain=np.array([["φ", "x"]]),
                factor=np.array([["φ", "x"]]), plates=np.array([["y", "x"]] * 2 + [["φ", "x"]] * 2),
                observed=np.array(["x"]), random=np.array(["x"]))


def draw(figure, upright, across, plain, factor, plates, observed, random):
    panels = figure.subplots(1, 4, width_ratios=(2.7, 3.4, 2.3, 2.5))
    for axes, places, edges, plate, title in zip(panels, PLACES, (upright, across, plain, factor), plates, TITLES):
        draw_graph(axes, places, edges, plate, observed, random, factor="$f_w$" if edges is factor else "")
        axes.set_title(title, fontsize=11)
        xs, ys = np.array(list(places.values())).T
        axes.set(xlim=(xs.min() - 0.7, xs.max() + 0.7), ylim=(-0.75, 1.75))

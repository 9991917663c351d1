"""One latent variable for every datum: the model alone; with a q of its own for every datum; with one inference
network phi for all. PML.119, .127, .135.

Solid arrows are the model, p(z_i) p(x_i|z_i, theta); dashed ones the approximation. The numbers are the edges and the
plate; the test reads both off them. The slides write omega for theta, lambda for phi. RAI.065, .069 and .094 describe
the same graph.
"""
import numpy as np
from plates import draw_graph

PLACES = {"$Z_i$": (0.0, 1.25), "$X_i$": (0.0, 0.0), "$θ$": (1.15, 0.0), "$φ$": (-2.85, 0.62)}
TITLES = ("model", "its own q for every datum", "one network for all")
LABELS = ("", r"$q(z_i|λ_i)$", r"$q(z_i|λ_i\!=\!h_φ(x_i))$")
ROOM = (1.1, 1.1, 1.75)


def data(rng):
    model, inference = np.array([["$Z_i$", "$X_i$"], ["$θ$", "$X_i$"]]), [["$X_i$", "$Z_i$"], ["$φ$", "$Z_i$"]]
    return dict(edges=model, local=np.array(inference[:1]), amortized=np.array(inference),
                plate=np.array(["$Z_i$", "$X_i$"]),
                observed=np.array(["$X_i$"]), random=np.array(["$Z_i$", "$X_i$"]))


def draw(figure, edges, local, amortized, plate, observed, random):
    figure.set_size_inches(8.2, 2.7)
    panels = figure.subplots(1, 3, width_ratios=(3.2, 3.2, 4.7))
    for axes, dashed, title, label, room in zip(panels, ((), local, amortized), TITLES, LABELS, ROOM):
        used = {name for pair in (*edges, *dashed) for name in pair}
        places = {name: place for name, place in PLACES.items() if name in used}
        draw_graph(axes, places, edges, plate, observed, random, size="i = 1, …, N", side="left", dashed=dashed,
                   room=room)
        axes.text(-0.62, 0.62, label, ha="right", va="center", fontsize=11)
        axes.set_title(title, fontsize=11)
        axes.set(xlim=(-0.65 - room - (0.85 if "$φ$" in used else 0.), 1.45), ylim=(-0.6, 1.85))

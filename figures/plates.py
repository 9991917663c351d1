"""Graphical models in plates, in one style for all pictures."""
import numpy as np
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

RADIUS = 0.27


def draw_graph(axes, places, edges, plate, observed, random, size="N", side="right", dashed=(), room=0.,
               factor=""):
    """Circles for random variables, shaded if observed; bare names for the rest; a box for what is repeated, with room
    for words on its left. With the name of a factor the edges are lines, each through a black square of that name.

    dashed are edges of an approximation: straight ones, or bent ones (towards the left, going up) between two random
    variables.
    """
    axes.set_aspect("equal")
    axes.axis("off")
    for name, (a, b) in places.items():
        if name in random:
            axes.add_patch(
                Circle((a, b), RADIUS, facecolor="0.8" if name in observed else "white", edgecolor="black", zorder=2)
            )
        axes.text(a, b, name, ha="center", va="center", fontsize=13, zorder=3)
    for kind, (parent, child) in [("-", edge) for edge in edges] + [("--", edge) for edge in dashed]:
        start, end = np.array(places[parent]), np.array(places[child])
        step = (end - start) / np.linalg.norm(end - start)
        arrow = dict(arrowstyle="-" if factor else "-|>", color="black", shrinkA=0, shrinkB=0)
        if kind == "--":
            arrow |= dict(linestyle="--", connectionstyle="arc3,rad=-0.7") if parent in random else dict(linestyle="--")
        bend = RADIUS * np.array([-0.8, 0.6 * np.sign(step[1])]) if kind == "--" and parent in random else None
        leave = RADIUS if parent in random else 0.18
        ends = (start + bend, end + bend * [1, -1]) if bend is not None else (start + leave * step, end - RADIUS * step)
        axes.annotate("", ends[1], ends[0], arrowprops=arrow)
        if factor:
            a, b = (ends[0] + ends[1]) / 2
            axes.add_patch(Rectangle((a - 0.07, b - 0.07), 0.14, 0.14, color="black"))
            axes.text(a, b - 0.13, factor, ha="center", va="top", fontsize=11)
    inside = np.array([places[name] for name in plate])
    low, high = inside.min(axis=0) - [0.45 + room, 0.45], inside.max(axis=0) + 0.45
    axes.add_patch(FancyBboxPatch(low, *(high - low), boxstyle="round,pad=0.03", fill=False, edgecolor="black"))
    axes.text(
        high[0] - 0.08 if side == "right" else low[0] + 0.08, low[1] + 0.06, size, ha=side, va="bottom", fontsize=11
    )

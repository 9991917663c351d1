"""Compress, then uncompress: the networks of an autoencoder (above) and of the VAE of the slides (below), which has a
distribution at its waist. RAI.077, PML.146, PML.147.

Heights of the bars grow with the logarithm of the layer's size; the numbers of weights are those of
refvi.generative.vae.model.SLIDE. The autoencoder has one head of the two.
"""
import numpy as np
from matplotlib.patches import Polygon, Rectangle

from refvi.generative.vae.model import SLIDE

STEP = 1.


def data(rng):
    return dict(encoder=SLIDE.encoder, decoder=SLIDE.decoder, weights=SLIDE.counts)


def draw(figure, encoder, decoder, weights):
    figure.set_size_inches(5.2, 4.1)
    for axes, variational in zip(figure.subplots(2, 1), (False, True)):
        hourglass(axes, list(map(int, encoder)), list(map(int, decoder)), variational)
        axes.set(xlim=(-0.7, 7.7), ylim=(-5.4, 5.6), aspect="auto")
        axes.axis("off")
    figure.axes[0].set_title("autoencoder: x̂ close to x")
    figure.axes[1].set_title(f"VAE: encoder {weights[0]:,} weights, decoder {weights[1]:,}")


def hourglass(axes, encoder, decoder, variational):
    """Bars from x on the left to x-hat, or to the logits, on the right, and what happens between them."""
    D = decoder[0]
    sizes = encoder[:-1] + ([2 * D, D] if variational else [D]) + decoder[1:]
    words = ["x", "", ""] + (["μ, log σ", "z"] if variational else ["z"]) + ["", "", "logit p" if variational else "x̂"]
    places = np.linspace(0, 7, len(sizes)) * STEP
    heights = 0.45 * np.log2(np.array(sizes) + 1.)
    for i, (place, height, size, word) in enumerate(zip(places, heights, sizes, words)):
        shade = "0.55" if word else "0.8"
        axes.add_patch(Rectangle((place - 0.09, -height), 0.18, 2 * height, facecolor=shade, edgecolor="black",
                                 linewidth=0.8, zorder=2))
        axes.text(place, -height - 0.25, f"({D}, {D})" if variational and i == len(encoder) - 1 else str(size),
                  ha="center", va="top", fontsize=8)
        axes.text(place, height + (0.8 if "," in word else 0.15), word, ha="center", va="bottom", fontsize=10)
        if i + 1 < len(sizes):
            chance = variational and i == len(encoder) - 1
            corners = [(place + 0.09, -height), (place + 0.09, height), (places[i + 1] - 0.09, heights[i + 1]),
                       (places[i + 1] - 0.09, -heights[i + 1])]
            axes.add_patch(Polygon(corners, facecolor="white" if chance else "0.94", edgecolor="0.6",
                                   linestyle=":" if chance else "-", linewidth=0.6))
            between = "+ σε" if chance else "linear" if i in (len(encoder) - 2, len(sizes) - 2) else "ReLU"
            axes.text((place + places[i + 1]) / 2, 0, between, ha="center", va="center", fontsize=8)

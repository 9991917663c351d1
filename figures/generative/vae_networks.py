"""The slides' encoder and decoder on MNIST, layer by layer: 217,668 and 218,320 weights and biases. PML.146, .147;
RAI.085, .090.

The encoder ends in two heads, mean and log standard deviation of the code; the decoder in one, a logit for every
pixel. Heights grow with the logarithm of a layer's size.
"""
import numpy as np
from matplotlib.patches import FancyBboxPatch

from refvi.likelihood.networks import count

WORDS = {"encoder": ("$x$", "hidden", "hidden", "heads"), "decoder": ("$z$", "hidden", "hidden", "logits")}


def data(rng):
    encoder, decoder = (784, 256, 64, 4), (2, 64, 256, 784)
    return dict(encoder=np.array(encoder), decoder=np.array(decoder),
                weights=np.array([count(encoder), count(decoder)]), heads=np.array([2, 2]))


def draw(figure, encoder, decoder, weights, heads):
    figure.set_size_inches(8.2, 4.6)
    for axes, name, sizes, total in zip(figure.subplots(2), ("encoder", "decoder"), (encoder, decoder), weights):
        axes.axis("off")
        axes.set(xlim=(-0.7, 5.3), ylim=(-1.7, 1.8))
        axes.text(-0.65, 1.55, f"{name}: {total:,} weights and biases", fontsize=11, va="center")
        for level, (size, word) in enumerate(zip(sizes, WORDS[name])):
            last = level == len(sizes) - 1
            if name == "encoder" and last:
                for y, head in ((0.62, "$μ$"), (-0.62, r"$\log\,σ$")):
                    block(axes, level, y, 0.42, f"{head}\n{heads[0]}", "0.85")
                    arrow(axes, (level - 1 + 0.3, 0.55 * y), (level - 0.3, y))
                    arrow(axes, (level + 0.3, y), (level + 0.78, 0.25 * y))
                axes.text(level + 1.2, 0., "$z = μ + σ\\,ε$", ha="center", va="center", fontsize=12)
            else:
                block(axes, level, 0., 0.16 + 0.155 * np.log(size), f"{word}\n{size}",
                      "white" if 0 < level < 3 else "0.85")
            if level and not (name == "encoder" and last):
                arrow(axes, (level - 1 + 0.3, 0.), (level - 0.3, 0.))
            if 0 < level < 3:
                axes.text(level, -1.5, "ReLU", ha="center", va="center", fontsize=9)
        if name == "decoder":
            arrow(axes, (3.3, 0.), (3.75, 0.))
            axes.text(4.45, 0., "$x$ ~ Bernoulli", ha="center", va="center", fontsize=12)


def block(axes, x, y, half, text, shade):
    axes.add_patch(FancyBboxPatch((x - 0.24, y - half), 0.48, 2 * half, boxstyle="round,pad=0.02", facecolor=shade,
                                  edgecolor="black"))
    axes.text(x, y, text, ha="center", va="center", fontsize=10)


def arrow(axes, start, end):
    axes.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", color="black", shrinkA=0, shrinkB=0))

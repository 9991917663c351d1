"""The slides' encoder and decoder on MNIST, layer by layer: 217,668 and 218,320 weights and biases. PML.146, .147;
RAI.085, .090.

The encoder ends in two heads, mean and log standard deviation of the code; the decoder in one, a logit for every
pixel. A decoder of numbers instead of zeros and ones has two heads as well, with 419,808 weights and biases. Heights
grow with the logarithm of a layer's size.
"""
import numpy as np
from matplotlib.patches import FancyBboxPatch

from refvi.likelihood.networks import count

SIZE = (8.2, 6.9)
HEADS = {"encoder": (["$μ_z$", r"$\log\,σ_z$"], "$z = μ_z + σ_z\\,ε$"), "decoder": (["logits"], "$x$ ~ Bernoulli"),
         "decoder of numbers": (["$μ_x$", r"$\log\,σ_x$"], "$x = μ_x + σ_x\\,ε$")}


def data(rng):
    encoder, decoder, numbers = (784, 256, 64, 4), (2, 64, 256, 784), (2, 64, 256, 1568)
    return dict(encoder=np.array(encoder), decoder=np.array(decoder), numbers=np.array(numbers),
                weights=np.array([count(sizes) for sizes in (encoder, decoder, numbers)]))


def draw(figure, encoder, decoder, numbers, weights):
    for axes, name, sizes, total in zip(figure.subplots(3), HEADS, (encoder, decoder, numbers), weights):
        axes.axis("off")
        axes.set(xlim=(-0.7, 5.3), ylim=(-1.7, 1.8))
        axes.text(-0.65, 1.55, f"{name}: {total:,} weights and biases", fontsize=11, va="center")
        words = "$x$" if name == "encoder" else "$z$", "hidden", "hidden"
        for level, (size, word) in enumerate(zip(sizes[:-1], words)):
            block(axes, level, 0., height(size), f"{word}\n{size}", "white" if level else "0.85")
            if level:
                arrow(axes, (level - 0.7, 0.), (level - 0.3, 0.))
                axes.text(level, -1.5, "ReLU", ha="center", va="center", fontsize=9)
        heads, result = HEADS[name]
        size = sizes[-1] // len(heads)
        for y, head in zip((0.75, -0.75) if len(heads) == 2 else (0.,), heads):
            block(axes, 3, y, min(height(size), 0.65 if len(heads) == 2 else np.inf), f"{head}\n{size}", "0.85")
            arrow(axes, (2.3, 0.5 * y), (2.7, y))
            arrow(axes, (3.3, y), (3.78, 0.25 * y))
        axes.text(4.45, 0., result, ha="center", va="center", fontsize=12)


def height(size):
    return 0.16 + 0.155 * np.log(size)


def block(axes, x, y, half, text, shade):
    axes.add_patch(FancyBboxPatch((x - 0.24, y - half), 0.48, 2 * half, boxstyle="round,pad=0.02", facecolor=shade,
                                  edgecolor="black"))
    axes.text(x, y, text, ha="center", va="center", fontsize=10)


def arrow(axes, start, end):
    axes.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", color="black", shrinkA=0, shrinkB=0))

"""A network lays a latent line into the plane as a curve and a latent grid as a bent sheet, and the data lie around it
by the noise.

Left: the latent line with the prior's quantiles as dots. Middle: its image under a fixed tanh network 1-4-2, the same
quantiles, and draws of the model with their noise. Right: the images of a grid over two latent numbers under a network
2-6-2. The slide's picture is missing from its file; this is what its words say.
"""
import numpy as np
from scipy.special import ndtri

from refvi.generative.amortization.model import sample
from refvi.generative.deep_latent.model import decoder
from refvi.likelihood.networks import forward, tanh

LINE = decoder((1, 4, 2))
CURVE = np.array([0.9, 1.1, 1.0, 1.3, 1.4, -0.2, -1.5, 0.6, 1.2, -0.9, 0.3, 1.5, -1.2, -0.7, 0.4, -0.5, 0.1, 0.2])
PLANE = (2, 6, 2)
SHEET = np.array([0.6, -0.4, 0.2, 0.8, 0.1, -0.7, 0.3, 0.7, -0.6, 0.2, 0.9, 0.1, 0.3, -0.5, 0.2, 0.6, -0.4, 0.1,
                  1.1, 0.3, -0.8, 0.6, 0.5, -1.0, 0.4, 0.9, 0.2, 1.2, -0.9, -0.3, 0.1, 0.])
NOISE_SD, LIMIT, LINES = 0.09, 2.2, 9


def data(rng):
    z, marks = np.linspace(-LIMIT, LIMIT, 121), ndtri(np.arange(1, 10) / 10)
    grid = np.linspace(-LIMIT, LIMIT, LINES)
    along = np.stack(np.meshgrid(grid, z, indexing="ij"), axis=-1)                                  # (lines, points, 2)
    sheet = np.stack([forward(SHEET, lines.reshape(-1, 2), PLANE, tanh)[-1].reshape(lines.shape)
                      for lines in (along, along[..., ::-1])])
    return dict(z=z, marks=marks, curve=forward(CURVE, z[:, None], LINE.sizes, tanh)[-1],
                images=forward(CURVE, marks[:, None], LINE.sizes, tanh)[-1], grid=grid,
                sheet=sheet, random_x=sample(rng, np.append(CURVE, np.log(NOISE_SD)), LINE, 300)[0])


def draw(figure, z, marks, curve, images, grid, sheet, random_x):
    figure.set_size_inches(7.8, 2.9)
    latent, line, plane = figure.subplots(1, 3, width_ratios=(1, 1.5, 1.3))
    latent.plot(z, np.exp(-z**2 / 2) / np.sqrt(2 * np.pi), color="black")
    latent.plot(marks, 0 * marks, "o", color="black", clip_on=False)
    latent.set(xlabel="latent variable z", ylabel="prior density", ylim=(0, None), title="latent space")
    line.plot(*random_x.T, ".", color="0.72", markersize=3, zorder=1)
    line.plot(*curve.T, color="black")
    line.plot(*images.T, "o", color="black")
    line.set(xlabel="first observed x₁", ylabel="second observed x₂", title="data space: NN(z), x around it")
    for lines, color, style in zip(sheet, ("black", "0.5"), ("-", "--")):
        for one in lines:
            plane.plot(*one.T, color=color, linestyle=style, linewidth=0.9)
    plane.set(xlabel="first observed x₁", ylabel="x₂", title="image of a grid over two")

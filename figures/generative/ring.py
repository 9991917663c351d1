"""One latent number and a network hold a ring where PPCA, with one latent number as well, makes a blob: about one nat
per datum, held out.

300 data on a ring with noise; PPCA by its closed form, the deep model 1-16-2 by ascent on its exact marginal. Dots:
the data, and 300 draws of each model; line: the decoder's curve for 99 percent of the prior. Titles: average
log-likelihood of 2000 held-out data, by a normal's formula and by quadrature; the entropy of the ring is what no model
can pass on average.
"""
import numpy as np
from scipy.special import ive

from refvi.generative.amortization.model import sample
from refvi.generative.deep_latent import exact, linear
from refvi.generative.deep_latent.model import decoder, log_evidence
from refvi.likelihood import networks

SIZE = (7.4, 2.9)
N, HELD_OUT, RADIUS, NOISE_SD, HIDDEN, STEPS, RATE = 300, 2000, 1.5, 0.15, 16, 500, 0.03
EXPENSIVE, QUICK = True, dict(steps=100)        # an ascent from random weights: the curve may close anywhere


def ring(rng, size):
    angle = rng.uniform(0, 2 * np.pi, size)
    return RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1) + NOISE_SD * rng.standard_normal((size, 2))


def entropy_of_ring():
    """-E[log p] of the data, by a Bessel function and a sum over radii."""
    r, step = np.linspace(RADIUS - 10 * NOISE_SD, RADIUS + 10 * NOISE_SD, 4001, retstep=True)
    log_bessel = np.log(ive(0, r * RADIUS / NOISE_SD**2))
    log_p = -0.5 * ((r - RADIUS) / NOISE_SD)**2 + log_bessel - np.log(2 * np.pi * NOISE_SD**2)
    return -step * np.sum(2 * np.pi * r * np.exp(log_p) * log_p)


def data(rng, steps=STEPS):
    x, held_out, d = ring(rng, N), ring(rng, HELD_OUT), decoder((1, HIDDEN, 2))
    flat = d._replace(sizes=(1, 2))
    blob = linear.from_moments(np.mean(x, axis=0), np.cov(x.T, bias=True), 1)
    start = np.append(networks.initial(rng, d.sizes), np.log(0.5))
    theta = exact.fit(x, start, d, steps, RATE)
    z = np.linspace(-2.6, 2.6, 241)[:, None]
    return dict(random_x=x, random_blob=sample(rng, blob, flat, N)[0], random_deep=sample(rng, theta, d, N)[0],
                random_curve=networks.forward(theta[:-1], z, d.sizes, d.g)[-1],
                random_score=[np.mean(linear.normal_marginal(held_out, blob, flat)),
                              np.mean(log_evidence(held_out, theta, d))], ceiling=-entropy_of_ring())


def draw(figure, random_x, random_blob, random_deep, random_curve, random_score, ceiling):
    for axes, dots, title in zip(figure.subplots(1, 3, sharex=True, sharey=True), (random_x, random_blob, random_deep),
                                 (f"data (at best {ceiling:.2f} nats)", f"PPCA: {random_score[0]:.2f} nats",
                                  f"deep model: {random_score[1]:.2f} nats")):
        axes.plot(*dots.T, ".", color="0.5", markersize=3)
        axes.set(xlabel="x₁", title=title, aspect="equal", xlim=(-4, 4), ylim=(-4, 4))
    axes.plot(*random_curve.T, color="black")
    figure.axes[0].set_ylabel("x₂")

"""Automatic variational inference on three models, each beside what is exact.

A regression, one with unknown noise on a UCI set, a logistic regression.
"""
import numpy as np

from refvi.app.fits import regression
from refvi.base import models
from refvi.base.checks import require_bound
from refvi.base.optimize import robbins_monro
from refvi.base.progress import Progress
from refvi.data import uci
from refvi.programs.automatic import examples
from refvi.programs.automatic.fit import FAMILIES, fit

DATA = regression.DATA
SHOWN = 4           # weights of a UCI set that the report tells


def watched(name, model, latents, rng, family, steps, rate=0.1, **more):
    """An Approximation, with a bar for whoever is watching."""
    with Progress(f"fit automatic: {name}, {family}", steps) as bar:
        return fit(model, latents, rng, family, steps=steps, rate=robbins_monro(rate, delay=steps / 5),
                   watch=(lambda step, lam: bar(step)) if bar.shown else None, **more)


def line(label, mean, sd, bound, short):
    """One line of a table: two means with standard deviations, the bound, how much it is short of the evidence."""
    moments = " ".join(f"{m:9.4f} {s:8.4f}" for m, s in zip(mean, sd))
    return f"{label:>16} {moments} {bound:>20} {short:12.4f}"


def table(name, steps, exact, model, latents, rng, extra=(), **more):
    """The lines of two weights by either family, below the exact posterior."""
    yield f"{name}, {steps} steps by either family"
    heads = " ".join(f"{'mean':>9} {'sd':>8}" for _ in range(2))
    yield f"{'':>16} {heads} {'ELBO, nats':>20} {'to evidence':>12}"
    yield line("exact posterior", exact.mean, np.sqrt(np.diag(exact.covariance)), f"{exact.log_evidence:.4f}", 0.)
    yield from extra
    for family in FAMILIES:
        found = watched(name, model, latents, rng, family, steps, log_evidence=exact.log_evidence, **more)
        bound = f"{found.elbo.value:.4f} +- {found.elbo.error:.4f}"
        yield line(family, found.mean.weights, found.sd.weights, bound, exact.log_evidence - found.elbo.value)
        yield f"{'':>16} {found.why}"


def known_noise(rng, steps):
    """The code task's regression: a full normal reaches the evidence, a product of normals the best that products
    can."""
    x, theta = examples.code_task()
    exact = examples.Exact(models.posterior(x, theta)[0], models.covariance(x, theta), models.log_evidence(x, theta))
    best = models.mean_field(x, theta)
    top = require_bound(models.elbo(best, x, theta), exact.log_evidence)
    product = line("best product", best[:2], np.exp(best[2:]), f"{top:.4f}", exact.log_evidence - top)
    name = f"code task, N = {len(x)}, offset and slope"
    yield from table(name, steps, exact, *examples.known_noise(x, theta), rng, [product], spread=0.3)


def classes(rng, steps):
    """A logistic regression in the plane, whose posterior is not normal."""
    x, y = examples.toy_classes(rng)
    name, exact = f"logistic regression, N = {len(x)}, offset and slope", examples.logistic_exact(x, y)
    yield from table(name, steps, exact, *examples.logistic(), rng, spread=0.5, data=(x, y))


def unknown_noise(rng, chosen, steps):
    """A UCI set, the noise's standard deviation among what is inferred; quadrature over it beside the fit."""
    x, theta = regression.problem(chosen)
    exact, D = examples.unknown_noise_exact(x, theta.y), theta.y.shape[1]
    found = watched(chosen.name, *examples.unknown_noise(D), rng, "full-rank", steps, rate=0.05,
                    data=(x, theta.y), log_evidence=exact.log_evidence)
    mean, q_sd = (np.append(moments.weights, moments.noise_sd) for moments in (found.mean, found.sd))
    sd = np.sqrt(np.diag(exact.covariance))
    yield f"{chosen.name}, N = {len(x)}, D = {D} weights and the noise, {found.steps} steps full-rank"
    yield f"{'':>16} {'exact mean':>11} {'mean':>9} {'exact sd':>9} {'sd':>9}"
    labels = {D: "noise sd", 0: "intercept"} | {place: f"input {place}" for place in range(1, min(D, SHOWN))}
    for place, label in labels.items():
        yield f"{label:>16} {exact.mean[place]:11.4f} {mean[place]:9.4f} {sd[place]:9.4f} {q_sd[place]:9.4f}"
    off, wide = np.max(np.abs(mean - exact.mean) / sd), 100 * np.max(np.abs(q_sd / sd - 1))
    yield f"{'':>16} of all {D + 1}: means within {off:.2f} posterior sd, sds within {wide:.0f} %"
    yield f"{'':>16} {found.why}"
    yield (f"{chosen.name}: noise sd {mean[D]:.4f} +- {q_sd[D]:.4f}, exact {exact.mean[D]:.4f} +- {sd[D]:.4f}; "
           f"ELBO {found.elbo.value:.2f} +- {found.elbo.error:.2f}, log evidence {exact.log_evidence:.2f} nats")


def run(rng, name=None, steps=600):
    """The lines of the report: three models, each beside its exact posterior and log evidence."""
    yield from known_noise(rng, max(1, steps // 2))
    yield from classes(rng, max(1, steps // 3))
    if name is None and not uci.at_hand("yacht"):
        yield uci.stands_in("yacht")
    yield from unknown_noise(rng, regression.choose(rng, name), steps)

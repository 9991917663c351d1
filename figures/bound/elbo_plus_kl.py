"""Whatever q is, ELBO and KL to the posterior add up to the log evidence: raising the one lowers the other.

One normal latent variable, one observation; q keeps its spread while its mean moves. Dots: averages of 400 log
weights, with two standard errors; lines: exact. Estimates may lie above the evidence where q is near the posterior;
the bound never does. Moved by hand: q beside the posterior, and what is on either side of the bound's line.
"""
import numpy as np

from refvi import Model, normal
from refvi.bound.elbo.rows import average_log_weight, expectation_of_log, kl_to_posterior, log_of_integral

S = 400
PRIOR, NOISE, X = np.array([0., np.log(1.5)]), np.log(0.7), 1.3
P = Model(lambda z, theta: normal.log_prob(z, PRIOR), lambda x, z, theta: normal.log_prob(x - z, np.array([0., NOISE])))
MU = np.linspace(-0.4, 2.6, 61)
SLIDER, FRAME_SIZE = ("mean μ of q", [f"{mu:.2f}" for mu in MU[::2]]), (6.2, 3.1)


def data(rng):
    precision = np.exp(-2 * PRIOR[1]) + np.exp(-2 * NOISE)
    posterior = np.array([X * np.exp(-2 * NOISE) / precision, -0.5 * np.log(precision)])
    lams = np.column_stack([MU, np.full(len(MU), np.log(0.5))])
    elbo = [expectation_of_log(P, normal, lam, X, None) for lam in lams]
    kl = [kl_to_posterior(normal, lam, lambda z: normal.log_prob(z, posterior)) for lam in lams]
    measured, error = zip(*(average(normal.sample(rng, lam, (S, 1)), lam) for lam in lams[::6]))
    evidence = log_of_integral(P, normal, posterior, X, None)
    z = np.linspace(-2., 4.2, 63)
    q = [np.exp(normal.log_prob(z, lam)) for lam in lams[::2]]
    return dict(mu=MU, elbo=elbo, kl=kl, log_evidence=evidence, posterior_mean=posterior[0], z=z,
                posterior=np.exp(normal.log_prob(z, posterior)), q=q,
                mu_measured=MU[::6], measured_elbo=measured, error_elbo=error, exact_elbo=elbo[::6])


def average(eps, lam):
    """Mean and standard error of the log weights of S draws."""
    weights = average_log_weight(eps, P, normal, lam, X, None)
    return weights.mean(), weights.std(ddof=1) / np.sqrt(len(weights))


def draw(figure, mu_measured, measured_elbo, error_elbo, **numbers):
    axes = figure.add_subplot()
    draw_parts(axes, "KL(q ‖\nposterior)", **numbers)
    axes.errorbar(mu_measured, measured_elbo, 2 * error_elbo, fmt="o", color="C1", capsize=2)
    axes.set_xlabel("mean μ of q (its standard deviation stays 0.5)")


def draw_parts(axes, label, mu, elbo, kl, log_evidence, posterior_mean, **others):
    """What is the bound's, what the divergence's."""
    low = elbo.min() - 0.4
    axes.fill_between(mu, low, elbo, color="C3", alpha=0.15)
    axes.fill_between(mu, elbo, elbo + kl, color="C1", alpha=0.35)
    axes.plot(mu, elbo, color="C1")
    axes.plot(mu, elbo + kl, color="C0", linestyle="--")
    axes.text(posterior_mean, (low + elbo.max()) / 2, "ELBO", ha="center")
    axes.annotate(label, (mu[0], log_evidence), (2, -3), textcoords="offset points", va="top", fontsize=9)
    room = log_evidence - low
    axes.text(posterior_mean, log_evidence + 0.06 * room, f"log evidence {log_evidence:.3f} nats", ha="center")
    axes.set(xlim=(mu[0] - 0.06, mu[-1] + 0.06), ylim=(low, log_evidence + 0.25 * room), ylabel="nats")


def draw_frame(figure, frame, mu, elbo, kl, z, posterior, q, **numbers):
    """q at one mean beside the posterior, and where that is on the bound."""
    left, right = figure.subplots(1, 2)
    left.plot(z, posterior, color="C0", linestyle="--", label="posterior")
    left.plot(z, q[frame], color="C1", label="q")
    left.set(xlabel="latent variable z", ylabel="density", ylim=(0, 1.3 * q.max()))
    left.legend(loc="upper left")
    draw_parts(right, "KL", mu, elbo, kl, **numbers)
    at = 2 * frame
    right.plot([mu[at], mu[at]], [elbo[at], elbo[at] + kl[at]], "o-", color="C2", linewidth=2)
    right.set(xlabel="mean μ of q", title=f"ELBO {elbo[at]:.2f} + KL {kl[at]:.2f}")

"""Whatever q is, ELBO and KL to the posterior add up to the log evidence: raising the one lowers the other.

One normal latent variable, one observation; q keeps its spread while its mean moves. Dots: averages of 400 log
weights, with two standard errors; lines: exact. Estimates may lie above the evidence where q is near the posterior;
the bound never does.
"""
import numpy as np

from refvi import Model, normal
from refvi.bound.elbo.rows import average_log_weight, expectation_of_log, kl_to_posterior, log_of_integral

S = 400
PRIOR, NOISE, X = np.array([0., np.log(1.5)]), np.log(0.7), 1.3
P = Model(lambda z, theta: normal.log_prob(z, PRIOR), lambda x, z, theta: normal.log_prob(x - z, np.array([0., NOISE])))


def data(rng):
    precision = np.exp(-2 * PRIOR[1]) + np.exp(-2 * NOISE)
    posterior = np.array([X * np.exp(-2 * NOISE) / precision, -0.5 * np.log(precision)])
    mu = np.linspace(-0.4, 2.6, 61)
    lams = np.column_stack([mu, np.full(len(mu), np.log(0.5))])
    elbo = [expectation_of_log(P, normal, lam, X, None) for lam in lams]
    kl = [kl_to_posterior(normal, lam, lambda z: normal.log_prob(z, posterior)) for lam in lams]
    measured, error = zip(*(average(normal.sample(rng, lam, (S, 1)), lam) for lam in lams[::6]))
    evidence = log_of_integral(P, normal, posterior, X, None)
    return dict(mu=mu, elbo=elbo, kl=kl, log_evidence=evidence, posterior_mean=posterior[0],
                mu_measured=mu[::6], measured_elbo=measured, error_elbo=error, exact_elbo=elbo[::6])


def average(eps, lam):
    """Mean and standard error of the log weights of S draws."""
    weights = average_log_weight(eps, P, normal, lam, X, None)
    return weights.mean(), weights.std(ddof=1) / np.sqrt(len(weights))


def draw(figure, mu, elbo, kl, log_evidence, posterior_mean, mu_measured, measured_elbo, error_elbo, exact_elbo):
    axes = figure.add_subplot()
    low = elbo.min() - 0.4
    axes.fill_between(mu, low, elbo, color="C3", alpha=0.15)
    axes.fill_between(mu, elbo, elbo + kl, color="C1", alpha=0.35)
    axes.plot(mu, elbo, color="C1")
    axes.plot(mu, elbo + kl, color="C0", linestyle="--")
    axes.errorbar(mu_measured, measured_elbo, 2 * error_elbo, fmt="o", color="C1", capsize=2)
    axes.text(posterior_mean, (low + elbo.max()) / 2, "ELBO", ha="center")
    axes.annotate("KL(q ‖\nposterior)", (mu[0], log_evidence), (2, -3), textcoords="offset points", va="top",
                  fontsize=9)
    room = log_evidence - low
    axes.text(posterior_mean, log_evidence + 0.06 * room, f"log evidence {log_evidence:.3f} nats", ha="center")
    axes.set(xlim=(mu[0] - 0.06, mu[-1] + 0.06), ylim=(low, log_evidence + 0.25 * room), ylabel="nats",
             xlabel="mean μ of q (its standard deviation stays 0.5)")

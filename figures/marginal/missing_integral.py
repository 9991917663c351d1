"""Without the integral the most probable parameters are no longer those of the data. WI.38, WI.39.

Fifty data, the quantiles of a normal with standard deviation 2; nats per datum, all exact. Left: x given z normal
around w z with unit variance, z standard normal. The marginal has its top where the variance 1 + w^2 is that of the
data (dotted); the joint density at the best z of each datum goes up for ever, towards minus log 2 pi. Right: x given z
normal around z, z normal around 0 with a standard deviation that goes to zero. At z = 0 the joint density gains log 10
for each tenth of it; the marginal comes to rest at the model without z.
"""
import numpy as np
from scipy.special import ndtri

from refvi.likelihood.heads import Network, normal, normal_heads
from refvi.marginal.decoders.model import latent, log_evidence, log_joint
from refvi.marginal.decoders.rows import joint_at_the_means

SIZE = (7., 2.8)
X = 2 * ndtri((np.arange(50) + 0.5) / 50)[:, None]
NOTHING = np.zeros((50, 0))
MODEL = latent(Network((0, 2), normal_heads), Network((1, 1), normal))      # (mu_z, log sd_z, w, mu_x, log sd_x)


def best(w):
    """The log joint density per datum at the best z."""
    return np.mean(log_joint(X, (w * X / (1 + w**2))[None], NOTHING, np.array([0., 0., w, 0., 0.]), MODEL))


def data(rng):
    w, sd = np.linspace(0, 6, 121), np.logspace(0.5, -3, 50)
    narrow = [np.array([0., np.log(one), 1., 0., 0.]) for one in sd]
    return dict(w=w, marginal=[np.mean(log_evidence(X, NOTHING, np.array([0., 0., one, 0., 0.]), MODEL)) for one in w],
                best=[best(one) for one in w], top=np.sqrt(np.mean(X**2) - 1), sd=sd,
                narrow_marginal=[np.mean(log_evidence(X, NOTHING, theta, MODEL)) for theta in narrow],
                narrow_joint=[joint_at_the_means(X, NOTHING, theta, MODEL) / 50 for theta in narrow])


def draw(figure, w, marginal, best, top, sd, narrow_marginal, narrow_joint):
    left, right = figure.subplots(1, 2)
    left.plot(w, best, color="C2", linestyle="--", label="joint at the best z")
    left.plot(w, marginal, color="C0", label="marginal")
    left.axvline(top, color="0.5", linestyle=":", linewidth=1)
    left.set(xlabel="weight w", ylabel="nats per datum")
    left.legend()
    right.plot(sd, narrow_joint, color="C1", linestyle="-.", label="joint at the mean of z")
    right.plot(sd, narrow_marginal, color="C0", label="marginal")
    right.set(xscale="log", xlabel="standard deviation of z")
    right.invert_xaxis()
    right.legend(loc="upper left")

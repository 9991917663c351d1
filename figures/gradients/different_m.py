"""Different values of M: the average of the weighted scores settles on the exact gradient, its variance falling as 1/M. PML.034.

As in does_it_work, with M = 3, 5, 10 and 25 draws. The titles say the standard error of the average in the intercept and in the slope, in
units of the gradient and before it is shrunk, as measured over fresh repetitions; the bars are exact.
"""
from does_it_work import LAM, arrows, draw_panels, log_joint
from score_function_error import spread

from refvi import diagonal_normal, noise
from refvi.gradients.score_function import weighted_score

DRAWS = 200_000


def data(rng):
    M, eps = [3, 5, 10, 25], noise(diagonal_normal, LAM)
    numbers = arrows(rng, M)
    measured, error = zip(*(spread(weighted_score(eps.draw(rng, DRAWS // m, m), log_joint, diagonal_normal, LAM, 0.)[:, :2]) for m in M))
    return numbers | dict(measured_sd=measured, error_sd=error)


def draw(figure, measured_sd, error_sd, **numbers):
    titles = [f"M = {m}: standard error {sd[0]:.0f}, {sd[1]:.0f}" for m, sd in zip(numbers["M"], measured_sd)]
    draw_panels(figure, (5.2, 4.25), titles, **numbers)

"""Different samples, each with M = 5: the average changes length and direction from one to the next. PML.033.

As in does_it_work, four times over with independent draws, where the slide takes seeds 1 to 4. The cross stays: it is
what all four estimate.
"""
from does_it_work import arrows, draw_panels


def data(rng):
    return arrows(rng, [5, 5, 5, 5])


def draw(figure, **numbers):
    draw_panels(figure, (5.2, 4.25), [f"sample {number}, M = 5" for number in range(1, 5)], **numbers)

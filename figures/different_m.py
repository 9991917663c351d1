"""Different values of M: the average of the weighted scores settles on the exact gradient, its variance falling as 1/M. PML.034.

As in does_it_work, with M = 3, 5, 10 and 25 draws.
"""
from does_it_work import arrows, draw_panels


def data(rng):
    return arrows(rng, [3, 5, 10, 25])


def draw(figure, **numbers):
    draw_panels(figure, (5.2, 4.25), [f"M = {m}" for m in numbers["M"]], **numbers)

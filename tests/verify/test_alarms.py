"""A run of 500 correct checks raises no alarm: each is FAIL with probability 2e-8, so two are in 5e-11 of all runs."""
from tests.verify.alarms import run


def test_500_correct_checks_pass(entropy):
    verdicts = run(entropy)
    assert verdicts["FAIL"] <= 1
    assert verdicts["PASS"] >= 498      # by the tails of the noise, one is INCONCLUSIVE in 1 run of 400, three in 3e-9

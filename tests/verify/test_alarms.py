"""A run of 500 correct checks raises no alarm: false FAILs come once in more than ten thousand such runs."""
from tests.verify.alarms import run


def test_500_correct_checks_pass(entropy):
    assert run(entropy) == {"PASS": 500}

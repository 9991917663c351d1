"""The checker's generators: one for each strike of each row."""
from refvi.verify.chance import stream_of


def first(entropy, *words):
    return stream_of(entropy, *words).integers(2**62)


def test_a_generator_belongs_to_its_entropy_and_its_words(entropy):
    assert first(entropy, "row", 1) == first(entropy, "row", "1")
    others = [first(entropy, "row", 2), first(entropy, "row1"), first(entropy, "ro", "w1"),
              first(entropy ^ 1, "row", 1)]
    assert len({first(entropy, "row", 1), *others}) == 5

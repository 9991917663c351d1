"""Real data where REFVI_DATA has it, toy data where not, and a word on what is missing."""
import numpy as np
import pytest

from refvi.__main__ import main
from refvi.data import mnist, store as data, texts, uci

SIZES = {"bostonHousing": (506, 13), "concrete": (1030, 8), "energy": (768, 8), "yacht": (308, 6)}
needs_data = pytest.mark.skipif(
    data.folder() is None, reason="REFVI_DATA is not set: the real data sets are not at hand"
)


@needs_data
@pytest.mark.parametrize("name", uci.SETS)
def test_every_split_covers_the_set(name):
    for number in range(uci.SPLITS):
        train, test = uci.split(name, number)
        assert sorted([*train, *test]) == list(range(SIZES[name][0])) and 0.08 < len(test) / SIZES[name][0] < 0.12


def test_no_sentence_is_held_out_and_learnt_from(rng):
    train, held, dev = texts.split(rng, 25, 10, 5)
    assert (len(held), len(dev)) == (2, 5) and sorted([*train, *held, *dev]) == list(range(25))
    with pytest.raises(ValueError, match="9 sentences are too few: one of 10 is held out"):
        texts.split(rng, 9, 5, 10)


def test_splits_that_overlap_are_refused(tmp_path):
    root = write_set(tmp_path)
    (root / "yacht" / "index_train_3.txt").write_text("0\n1\n")
    (root / "yacht" / "index_test_3.txt").write_text("1\n2\n")
    with pytest.raises(ValueError, match="split 3 of yacht has 1 data in both train and test"):
        uci.split("yacht", 3, root)


def write_set(root, table="1 2 3\n4 5 7\n", features="0\n1\n", target="2\n"):
    folder = root / "yacht"
    folder.mkdir(parents=True)
    for name, text in (("data", table), ("index_features", features), ("index_target", target)):
        (folder / f"{name}.txt").write_text(text)
    return root


@needs_data
@pytest.mark.parametrize("name", uci.SETS)
def test_uci_sets(name):
    regression = uci.load(name)
    assert regression.inputs.shape == SIZES[name] and regression.target.shape == SIZES[name][:1]
    assert np.all(np.std(regression.inputs, axis=0) > 0) and regression.name == f"UCI {name}"


def test_inputs_and_target_are_taken_by_their_indices(tmp_path):
    regression = uci.load("yacht", write_set(tmp_path))
    assert regression.inputs.tolist() == [[1, 2], [4, 5]] and regression.target.tolist() == [3, 7]


def test_what_is_not_finite_is_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"yacht/data.txt:2: the value of column 0 is missing \('nan'\): drop the row or fill"
    ):
        uci.load("yacht", write_set(tmp_path, table="1 2 3\nnan 5 7\n"))


def test_missing_data_say_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(FileNotFoundError, match=r"REFVI_DATA is not set\): run `refvi data fetch yacht`, or put data"):
        uci.load("yacht")
    monkeypatch.setenv("REFVI_DATA", str(tmp_path / "nowhere"))
    assert data.folder() is None
    with pytest.raises(FileNotFoundError, match=f"REFVI_DATA names no folder: {tmp_path / 'nowhere'}"):
        uci.load("yacht")
    with pytest.raises(FileNotFoundError, match=f"REFVI_DATA names no folder: {tmp_path / 'nowhere'}"):
        mnist.find(mnist.FILES["train", "images"])
    with pytest.raises(FileNotFoundError, match=f"in {tmp_path}"):
        uci.load("yacht", tmp_path)
    with pytest.raises(ValueError, match="no UCI set 'wine', expected one of bostonHousing, concrete"):
        uci.load("wine")


def test_a_set_is_at_hand_only_where_its_folder_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("REFVI_DATA", str(tmp_path / "nowhere"))
    assert main(["data"]) == 0
    told = capsys.readouterr().out
    assert (f"REFVI_DATA names no folder: {tmp_path / 'nowhere'}" in told
            and "yacht          not at hand: refvi data fetch yacht, or put it in REFVI_DATA/uci/yacht" in told)
    monkeypatch.setenv("REFVI_DATA", str(tmp_path))
    assert (not uci.at_hand("yacht") and uci.stands_in("yacht")
            == f"REFVI_DATA is {tmp_path}, without uci/yacht: this is a toy set, drawn anew on every run")
    assert main(["data"]) == 0 and f"or put it in {tmp_path}/uci/yacht" in capsys.readouterr().out
    write_set(tmp_path / "uci")
    assert main(["data"]) == 0 and uci.at_hand("yacht") and "yacht          at hand" in capsys.readouterr().out


def test_toy_regression_is_a_regression(rng):
    toy = data.toy_regression(rng, N=4000, D=2, noise_sd=0.3)
    weights, residual, *_ = np.linalg.lstsq(toy.inputs, toy.target, rcond=None)
    np.testing.assert_allclose(np.sqrt(residual[0] / 4000), 0.3, rtol=0.1)
    with pytest.raises(ValueError, match="N must be an integer >= 1"):
        data.toy_regression(rng, N=0)


def test_standardized_columns(rng):
    values = np.column_stack([rng.normal(5, 3, 50), np.full(50, 2.)])
    z = data.standardize(values)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0), [1, 0], atol=1e-12)

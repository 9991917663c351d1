"""Tables in the shapes in which people bring them: read where their meaning is plain, else refused with file, line and
remedy.
"""
import pytest

from refvi.data import uci
from refvi.data.tables import read_indices, read_table


def write(folder, content):
    path = folder / "table.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"1 2.5\n-3 4e2\n", b"\xef\xbb\xbf1 2.5\n-3 4e2", b"1 2.5\r\n-3 4e2\r\n",
                                     b"1;2.5\n-3;4e2", b"1,2.5\n-3,4e2,\n",
                                     b"1\t2.5\n-3\t4e2\n", b"# a b\n\n 1 2.5  \n-3  4e2 \n\n"])
def test_what_is_plain_is_read(content, tmp_path):
    assert read_table(write(tmp_path, content)).tolist() == [[1., 2.5], [-3., 400.]]


@pytest.mark.parametrize("content, shape", [(b"1 2 3", (1, 3)), (b"1\n2\n3", (3, 1)), (b"7", (1, 1))])
def test_one_row_and_one_column_keep_their_axes(content, shape, tmp_path):
    assert read_table(write(tmp_path, content)).shape == shape


@pytest.mark.parametrize("content, message", [
    (b"", "holds no rows: it is empty"),
    (b"\n# nothing\n", "holds no rows"),
    ("1 2".encode("utf-16"), "not UTF-8 text .* save it as UTF-8"),
    (b"1 2\n3 \xe9", ":2: byte 0xe9 is not UTF-8: save the file as UTF-8"),
    (b"1 2\n3 4 5", ":2: 3 values, but line 1 has 2: every row needs one value for each column"),
    (b"a b\n1 2", ":1: 'a' in column 0 is no number: take a header"),
    (b"1 2\n? 4", r":2: the value of column 0 is missing \('\?'\): drop the row or fill"),
    (b"1;2\n3;", ":2: 1 values, but line 1 has 2"),
    (b"1;2;3\n4;;6", ":2: the value of column 1 is missing .'empty'.: drop the row"),
    (b"1 2\n3 inf", ":2: the value of column 1 is inf: drop the row"),
    (b"1,5;2", ":1: '1,5' in column 0 is no number: write decimals with a point"),
])
def test_what_is_not_is_told_with_line_and_remedy(content, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_table(write(tmp_path, content))


@pytest.mark.parametrize("content, message", [(b"1.7", "1.7 is no index"), (b"-1", "-1 is no index"),
                                              (b"0\n3", "index 3 is beyond the last, 2: .* from 0")])
def test_an_index_is_a_whole_number_within_the_table(content, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_indices(write(tmp_path, content), below=3)


def set_of(root, features=b"0\n1\n", target=b"2\n"):
    (root / "yacht").mkdir(parents=True)
    for name, content in (("data", b"1 2 3\n4 5 7\n"), ("index_features", features), ("index_target", target)):
        (root / "yacht" / f"{name}.txt").write_bytes(content)
    return root


def test_one_feature_stays_a_column(tmp_path):
    assert uci.load("yacht", set_of(tmp_path, features=b"1\n")).inputs.tolist() == [[2.], [5.]]


@pytest.mark.parametrize("more, message", [(dict(target=b"2\n1\n"), "names 2 targets, expected one column"),
                                           (dict(features=b"0\n2\n"), "column 2 is the target and a feature")])
def test_a_target_is_one_column_of_its_own(more, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        uci.load("yacht", set_of(tmp_path, **more))

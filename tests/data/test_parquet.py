"""Parquet files: the rows that were written, one row group after the other, and refusals that name the place."""

import pickle
import sys

import numpy as np
import pytest

from minigrad.data import DataLoader, Parquet, parquet_files
from minigrad.data.parquet import KEPT
from minigrad.errors import DataError, MissingExtraError
from tests.data.tar_files import png

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """60 rows in 6 groups: an image of one gray, a list of lists, a number, the class."""
    pytest.importorskip("PIL")
    images = [{"bytes": png([[k]]), "path": f"{k}.png"} for k in range(60)]
    boxes = [[[k, 1.0], [2.0, 3.0]] for k in range(60)]
    columns = {"image": images, "boxes": boxes, "age": [k / 2 for k in range(60)], "label": [k % 3 for k in range(60)]}
    path = tmp_path_factory.mktemp("parquet") / "all.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=10)
    return path


def test_every_row_comes_once_and_few_groups_are_in_memory(path):
    dataset = pickle.loads(pickle.dumps(Parquet(path, size=1, channels=1)))
    assert dataset.classes == ("0", "1", "2")
    loader = DataLoader(dataset, 7, shuffle=True)
    numbers = []
    for images, labels in loader:
        numbers += [round(float(x) * 255) for x in images.data.reshape(-1)]
        assert [number % 3 for number in numbers[-len(labels) :]] == labels.tolist()
        assert len(dataset._kept) <= KEPT
    assert sorted(numbers) == list(range(60))
    assert numbers != sorted(numbers)


def test_columns_of_numbers_and_lists_are_arrays(path):
    boxes, ages = Parquet(path, ("boxes", "age"))[np.array([59, 3])]
    assert boxes.tolist() == [[[59, 1], [2, 3]], [[3, 1], [2, 3]]]
    assert ages.tolist() == [29.5, 1.5]


def test_rows_are_divided_by_class_and_files_by_name(path, tmp_path):
    train, test = parquet_files(path, 1, 1)
    assert np.bincount(test.dataset.labels[test.indices]).tolist() == [4, 4, 4]
    assert len(train) == 48
    for name in ("train-0.parquet", "validation-0.parquet"):
        (tmp_path / name).write_bytes(path.read_bytes())
    assert [len(part) for part in parquet_files(tmp_path, 1, 1)] == [60, 60]


def test_what_is_wrong_is_told_with_its_place(path, tmp_path):
    with pytest.raises(DataError, match="has no column labels; it has image, boxes, age, label"):
        Parquet(path, ("image", "labels"))
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"cut\.parquet is truncated, damaged or no Parquet file"):
        Parquet(cut)
    pq.write_table(pa.table({"x": [[1], [2, 3]], "n": [1, None], "b": [b"no image", None]}), cut)
    for column, message in (
        ("x", r"its row group 0 is damaged or .*different lengths"),
        ("n", r"its row group 0 .*a number is missing"),
        ("b", r"cut\.parquet: b in row 0 of row group 0 is damaged or no image"),
    ):
        with pytest.raises(DataError, match=message):
            Parquet(cut, (column,))[0]
    with pytest.raises(DataError, match="b in row 1 of row group 0 is missing"):
        Parquet(cut, ("b",))[1]
    with pytest.raises(DataError, match=r"there is no file .*none\.parquet"):
        Parquet(tmp_path / "none.parquet")


def test_without_pyarrow_the_error_names_the_extra(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingExtraError, match=r'reading Parquet files needs pyarrow: pip install "minigrad\[arrow\]"'
    ):
        Parquet(path)

"""The loader: every sample once an epoch, and all of it a function of (seed, epoch, batch)."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.autograd.tensor import Tensor
from minigrad.data import ArrayDataset, DataLoader
from minigrad.errors import DataError


def noise(images, rng):
    return images + rng.random(images.shape)


def noisy_loader(**settings):
    settings = {"batch_size": 4, "shuffle": True, "transform": noise, **settings}
    return DataLoader((np.arange(18.0), np.arange(18)), **settings)


def values(batches):
    """The batches (of a loader: the rest of its epoch) as lists of numbers, which compare bit for bit."""
    return [tuple(tensor.data.tolist() for tensor in batch) for batch in batches]


@given(
    samples=st.integers(1, 30),
    batch_size=st.integers(1, 35),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**70),
)
def test_every_sample_comes_exactly_once_an_epoch(samples, batch_size, shuffle, seed):
    loader = DataLoader(np.arange(samples), batch_size=batch_size, shuffle=shuffle, seed=seed)
    for _ in range(2):
        batches = [batch for (batch,) in values(loader)]
        assert len(batches) == len(loader)
        assert sorted(itertools.chain(*batches)) == list(range(samples))
        assert all(len(batch) == batch_size for batch in batches[:-1])


@given(samples=st.integers(1, 30), batch_size=st.integers(1, 30), shuffle=st.booleans())
def test_drop_last_leaves_out_exactly_the_batch_that_is_not_full(samples, batch_size, shuffle):
    batch_size = min(batch_size, samples)
    settings = {"batch_size": batch_size, "shuffle": shuffle}
    every = values(DataLoader(np.arange(samples), **settings))
    full = values(DataLoader(np.arange(samples), drop_last=True, **settings))
    assert full == [batch for batch in every if len(batch[0]) == batch_size]


@given(skipped=st.integers(0, 20), shuffle=st.booleans(), drop_last=st.booleans(), seed=st.integers(0, 2**70))
def test_resuming_from_any_state_gives_exactly_the_remaining_batches(skipped, shuffle, drop_last, seed):
    settings = {"shuffle": shuffle, "drop_last": drop_last}
    loader = noisy_loader(seed=seed, **settings)
    stream = itertools.chain.from_iterable(loader for _ in range(8))
    for _ in itertools.islice(stream, skipped):
        pass
    resumed = noisy_loader(seed=7, **settings)
    resumed.load_state_dict(loader.state_dict())
    assert resumed.state_dict() == loader.state_dict()
    again = itertools.chain.from_iterable(resumed for _ in range(5))
    assert values(itertools.islice(again, 10)) == values(itertools.islice(stream, 10))
    assert resumed.state_dict() == loader.state_dict()


def look_by_break(loader, kept):
    for _ in loader:
        break


def look_and_keep(loader, kept):
    kept.append(iter(loader))
    next(kept[-1])


LOOKS = {
    "next": lambda loader, kept: next(iter(loader)),
    "several": lambda loader, kept: [next(iter(loader)) for _ in range(4)],
    "break": look_by_break,
    "kept": look_and_keep,
}


@given(
    look=st.sampled_from(sorted(LOOKS)),
    when=st.sampled_from(["begin", "within", "between", "resumed"]),
    batch_size=st.sampled_from([4, 9, 18]),
    prefetch=st.integers(0, 2),
)
def test_looking_at_a_batch_changes_nothing(look, when, batch_size, prefetch):
    def epochs(look):
        loader, kept = noisy_loader(batch_size=batch_size, prefetch=prefetch), []
        if when == "resumed":
            loader.load_state_dict({"seed": 2, "epoch": 3, "batch": len(loader) // 2})
        if when in ("begin", "resumed"):
            look(loader, kept)
        seen = []
        for _ in range(3):
            batches = []
            for batch in loader:
                batches += values([batch])
                if when == "within":
                    look(loader, kept)
            seen.append(batches)
            if when == "between":
                look(loader, kept)
        return seen

    assert epochs(LOOKS[look]) == epochs(lambda loader, kept: None)


def test_same_seed_gives_the_same_batches():
    assert values(noisy_loader(seed=3)) == values(noisy_loader(seed=3))


@pytest.mark.parametrize("settings", [{"transform": None}, {"shuffle": False}], ids=["order", "noise"])
def test_another_seed_or_epoch_gives_another_order_and_other_noise(settings):
    loader = noisy_loader(seed=3, **settings)
    first, second = values(loader), values(loader)
    assert first != second
    assert first != values(noisy_loader(seed=4, **settings))


def test_each_batch_draws_its_own_randomness():
    def draws(images, rng):
        return rng.random(len(images))

    first, second = values(DataLoader(np.zeros(8), batch_size=4, transform=draws))
    assert first != second


def test_the_first_batch_does_not_repeat_the_draws_of_its_epochs_order():
    def permutation(images, rng):
        return rng.permutation(len(images))

    loader = DataLoader((np.zeros(9), np.arange(9)), batch_size=9, shuffle=True, transform=permutation)
    ((drawn, order),) = values(loader)
    assert drawn != order


def test_without_shuffle_the_samples_come_in_their_own_order():
    assert values(DataLoader(np.arange(5), batch_size=2)) == [([0, 1],), ([2, 3],), ([4],)]


def test_batches_are_tuples_of_tensors_with_the_arrays_dtypes():
    dataset = ArrayDataset(np.zeros((3, 2), np.float32), np.zeros(3, np.int64))
    (batch,) = DataLoader(dataset, batch_size=3)
    assert isinstance(batch, tuple)
    assert all(isinstance(tensor, Tensor) for tensor in batch)
    assert [(tensor.data.dtype, tensor.shape) for tensor in batch] == [("float32", (3, 2)), ("int64", (3,))]


def test_the_loaders_transform_comes_after_the_datasets():
    dataset = ArrayDataset(np.ones(2), transform=lambda x, rng: x + 1)
    assert values(DataLoader(dataset, 2, transform=lambda x, rng: x * 10)) == [([20.0, 20.0],)]


def test_an_epoch_ends_with_epoch_advanced_and_batch_0():
    loader = noisy_loader(seed=5)
    values(loader)
    assert loader.state_dict() == {"seed": 5, "epoch": 1, "batch": 0, "samples": 0}


def test_the_state_inside_the_loop_body_resumes_after_the_current_batch():
    loader = noisy_loader()
    assert [loader.state_dict()["batch"] for _ in loader] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("steps", [2, 3, 5])
def test_after_break_the_next_loop_is_the_whole_next_epoch(steps):
    whole, loader = noisy_loader(), noisy_loader()
    first, second = values(whole), values(whole)
    for k, _ in enumerate(loader, 1):
        if k == steps:
            break
    samples = min(steps * loader.batch_size, len(loader.dataset))
    assert loader.state_dict() == {"seed": 0, "epoch": 0, "batch": steps, "samples": samples}
    assert values(loader) == second != first


def test_a_state_saved_after_the_last_batch_only_completes_the_epoch():
    loader = noisy_loader()
    loader.load_state_dict({"seed": 0, "epoch": 0, "batch": len(loader)})
    assert values(loader) == []
    assert loader.state_dict() == {"seed": 0, "epoch": 1, "batch": 0, "samples": 0}


def test_restart_repeats_the_current_epoch_from_its_first_batch():
    loader = noisy_loader()
    values(loader)
    interrupted = values(itertools.islice(loader, 3))
    loader.restart()
    assert loader.state_dict() == {"seed": 0, "epoch": 1, "batch": 0, "samples": 0}
    again = values(loader)
    assert again[:3] == interrupted
    assert len(again) == len(loader)


def test_iterators_are_independent():
    whole, loader = values(noisy_loader()), noisy_loader()
    pairs = list(zip(loader, loader, strict=True))
    assert values(pair[0] for pair in pairs) == values(pair[1] for pair in pairs) == whole
    assert loader.state_dict() == {"seed": 0, "epoch": 1, "batch": 0, "samples": 0}


def test_moving_to_another_epoch_ends_the_iterators_of_the_old_one():
    loader = noisy_loader()
    old = iter(loader)
    next(old)
    loader.load_state_dict({"seed": 0, "epoch": 3, "batch": 1})
    assert list(old) == []
    assert loader.state_dict() == {"seed": 0, "epoch": 3, "batch": 1, "samples": loader.batch_size}


def test_repr_tells_settings_and_position():
    loader = DataLoader(np.zeros(4), batch_size=2)
    assert repr(loader) == (
        "DataLoader(ArrayDataset(4 samples of float64 ()), batch_size=2, shuffle=False, drop_last=False, "
        "transform=None, seed=0, epoch=0, batch=0/2)"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"batch_size": 0},
            "DataLoader: batch_size must be an integer of at least 1, got 0. Use batch_size=64, say.",
        ),
        (
            {"batch_size": 2.5},
            "DataLoader: batch_size must be an integer of at least 1, got 2.5. Use batch_size=64, say.",
        ),
        (
            {"seed": -1},
            "DataLoader: seed must be an integer of at least 0, got -1. Any such number will do, 0 for one.",
        ),
        (
            {"batch_size": 9, "drop_last": True},
            "DataLoader: an epoch must have at least one batch, got none from 3 samples with batch_size=9 "
            "and drop_last=True. Check the dataset, use a smaller batch_size or drop_last=False.",
        ),
        (
            {"data": "images"},
            "DataLoader: needs a dataset (with __len__ and __getitem__), an array or a tuple of "
            "arrays, got str. Use DataLoader((images, labels)).",
        ),
    ],
)
def test_wrong_settings_are_explained(settings, message):
    with pytest.raises(DataError) as error:
        DataLoader(**{"data": np.zeros(3), **settings})
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"seed": 0, "epoch": 0},
            "DataLoader.load_state_dict: expected the entries seed, epoch and batch, got seed, epoch. "
            "Pass what state_dict() returned.",
        ),
        (
            {"seed": 1, "epoch": 1, "batch": 4},
            "DataLoader.load_state_dict: batch must be at most 3, the batches of an epoch, got 4. "
            "Use the dataset, batch_size and drop_last that the state was saved with.",
        ),
        (
            {"seed": 1, "epoch": -1, "batch": 0},
            "DataLoader: epoch must be an integer of at least 0, got -1. Pass what state_dict() returned.",
        ),
        (
            {"seed": 1, "epoch": 1, "batch": 2, "samples": 6},
            "DataLoader.load_state_dict: the state was saved within an epoch, after 6 samples in 2 batches; here, with "
            "batch_size=1, these are 2. Samples would be left out or come twice: change the batch size or the dataset "
            "between two epochs.",
        ),
    ],
)
def test_a_wrong_state_is_explained_and_changes_nothing(state, message):
    loader = DataLoader(np.zeros(3))
    with pytest.raises(DataError) as error:
        loader.load_state_dict(state)
    assert str(error.value) == message
    assert loader.state_dict() == {"seed": 0, "epoch": 0, "batch": 0, "samples": 0}


def test_between_two_epochs_the_batch_size_can_change():
    former, loader = DataLoader(np.arange(6), batch_size=4), DataLoader(np.arange(6), batch_size=3)
    list(former)
    loader.load_state_dict(former.state_dict())
    assert values(loader) == [([0, 1, 2],), ([3, 4, 5],)]

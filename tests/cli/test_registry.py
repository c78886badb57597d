"""Words of the command line: values, and what is chosen by name."""

import argparse
import json

import numpy as np
import pytest
from minigrad_models import create

import minigrad
from minigrad import Tensor, nn, optim
from minigrad.cli.registries import LOSS_REGISTRY, OPTIMIZER_REGISTRY, make_loss, make_optimizer
from minigrad.cli.spec import Spec, parse_settings
from minigrad.errors import UsageError
from minigrad.functional import cross_entropy
from minigrad.optim import Optimizer
from minigrad.optim.schedule import SCHEDULES
from minigrad.training import load_checkpoint
from tests.cli.helper import command


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("sgd", Spec("sgd")),
        ("sgd:momentum=0.9", Spec("sgd", {"momentum": 0.9})),
        ("adam:betas=[0.9, 0.99],amsgrad=true", Spec("adam", {"betas": (0.9, 0.99), "amsgrad": True})),
        ("step: step_size = 3 , gamma=.5", Spec("step", {"step_size": 3, "gamma": 0.5})),
        ("plateau:mode=max", Spec("plateau", {"mode": "max"})),
        ("net:points", Spec("net:points")),
        ("net:points:n=3", Spec("net:points", {"n": 3})),
    ],
)
def test_a_name_with_settings_is_read_and_written(text, chosen):
    assert Spec.parse(text) == chosen
    assert Spec.parse(str(chosen)) == chosen
    assert Spec.from_table(json.loads(json.dumps(chosen.to_table()))) == chosen


@pytest.mark.parametrize("text", ["a=1,a=2", "a=1,b", "a=", "=1", "1a=2", "name=x"])
def test_settings_that_cannot_be_read_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        parse_settings(text)


def test_a_name_with_half_a_setting_is_refused():
    with pytest.raises(UsageError, match=r"settings \(sgd:momentum=0.9\), got 'sgd:m'"):
        OPTIMIZER_REGISTRY.find(Spec("sgd:m"))


def test_all_optimizers_have_names():
    kinds = {kind for kind in vars(optim).values() if isinstance(kind, type) and issubclass(kind, Optimizer)}
    assert set(OPTIMIZER_REGISTRY.entries.values()) == kinds - {Optimizer, optim.LBFGS}  # which needs a closure
    assert all(name == kind.__name__.lower() for name, kind in OPTIMIZER_REGISTRY.entries.items())


@pytest.mark.parametrize("name", sorted(OPTIMIZER_REGISTRY.entries))
def test_an_optimizer_by_name_has_its_own_defaults(name):
    model = nn.Linear(2, 2)
    made = make_optimizer(OPTIMIZER_REGISTRY.resolve(Spec(name, {"lr": 0.5}), Spec()), model)
    own = OPTIMIZER_REGISTRY.entries[name](list(model.parameters()), lr=0.5)
    assert type(made) is type(own)
    assert made.defaults == own.defaults


@pytest.mark.family
@pytest.mark.parametrize("name", sorted(OPTIMIZER_REGISTRY.entries))
def test_every_optimizer_trains(name):
    assert command(f"train lenet5 --epochs 1 --batch-size 16 --optimizer {name}:maximize=false") == 0


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_trains_and_is_kept(name):
    assert command(f"train lenet5 --epochs 1 --batch-size 16 --schedule {name} --out run") == 0
    assert command(f"train lenet5 --batch-size 16 --schedule {name} --resume run") == 0


def test_losses_by_name_are_those_of_an_output_and_a_target():
    assert {
        "cross_entropy",
        "mse_loss",
        "l1_loss",
        "nll_loss",
        "multi_margin_loss",
        "huber_loss",
    } <= LOSS_REGISTRY.entries.keys()
    assert not {"triplet_margin_loss", "margin_ranking_loss", "cosine_embedding_loss"} & LOSS_REGISTRY.entries.keys()


def test_a_loss_by_name_has_its_settings():
    loss = make_loss(Spec.parse("cross_entropy:label_smoothing=0.2"), nn.Identity())
    output, target = Tensor(np.array([[1.0, 2.0, 0.5]])), Tensor(np.array([2]))
    assert loss(output, target).item() == cross_entropy(output, target, label_smoothing=0.2).item()


@pytest.mark.parametrize("name", ["cross_entropy:label_smoothing=0.1", "multi_margin_loss:p=2", "multi_class_svm_loss"])
def test_losses_of_classes_train(name):
    assert command(f"train lenet5 --epochs 1 --batch-size 16 --loss {name}") == 0


def test_two_batches_a_step_are_one_of_twice_the_size():
    line = "train lenet5 --epochs 2 --augment none --schedule constant"
    assert command(f"{line} --batch-size 32 --out whole") == 0
    assert command(f"{line} --batch-size 16 --accumulate 2 --out halves") == 0
    whole, halves = (load_checkpoint(f"{name}/checkpoint.safetensors") for name in ("whole", "halves"))
    assert (whole.metadata["step"], halves.metadata["step"]) == (4, 4)
    for name, array in whole.model.items():
        np.testing.assert_allclose(halves.model[name], array, rtol=0, atol=1e-5)


def test_gradients_are_clipped_to_the_norm():
    line = "train lenet5 --epochs 1 --batch-size 64 --augment none --optimizer sgd:momentum=0,weight_decay=0,lr=1"
    assert command(f"{line} --schedule constant --clip-norm 0.001 --out run") == 0
    minigrad.seed(0)
    before, after = create("lenet5").state_dict(), load_checkpoint("run/checkpoint.safetensors").model
    moved = np.sqrt(sum(np.sum((after[name] - array) ** 2) for name, array in before.items()))
    assert moved == pytest.approx(0.001, rel=1e-3)

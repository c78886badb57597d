"""The configuration file: what it may say, and what is stronger than it."""

import json
from pathlib import Path

import pytest

from minigrad.cli.overrides import PARSERS
from minigrad.cli.registries import make_schedule
from minigrad.cli.spec import Spec
from minigrad.cli.training_settings import TrainingSettings
from minigrad.optim.schedule import Cosine, Step
from tests.cli.helper import command, error_line

CONFIG = """
model = "lenet5"
data = {name = "digits", size = 32}
epochs = 2
batch_size = 16
lr = 0.02
out = "run"

[optimizer]
name = "adamw"
betas = [0.8, 0.9]

[schedule]
name = "step"
gamma = 0.5

[augment]
degrees = 3
"""


def resolved(folder="run"):
    return TrainingSettings.from_json(json.loads(Path(folder, "settings.json").read_text()))


def configured(text, line="train lenet5"):
    Path("run.toml").write_text(text)
    return command(f"{line} --config run.toml")


def test_a_training_is_described_by_a_file_and_its_folder_keeps_all_settings():
    assert configured(CONFIG, "train") == 0
    settings = resolved()
    assert (settings.model, settings.data) == ("lenet5", Spec("digits", {"size": 32}))
    assert (settings.epochs, settings.batch_size) == (2, 16)
    optimizer = {"name": "adamw", "lr": 0.02, "betas": (0.8, 0.9), "eps": 1e-8, "weight_decay": 0.01}
    assert optimizer.items() <= settings.optimizer.to_table().items()
    assert make_schedule(settings.schedule) == Step(gamma=0.5)
    motions = {"degrees": 3, "translate": 0.05, "scale": (0.9, 1.1)}  # the others are the recipe's
    assert settings.augment.settings == motions


def test_options_are_stronger_than_the_file():
    Path("run.toml").write_text(CONFIG)
    assert command("train --config run.toml --epochs 1 --lr 0.5 --out other --schedule step:step_size=3") == 0
    settings = resolved("other")
    optimizer = settings.optimizer.settings
    assert (settings.epochs, optimizer["lr"], optimizer["betas"]) == (1, 0.5, (0.8, 0.9))
    assert make_schedule(settings.schedule) == Step(3, gamma=0.5)  # of the same schedule, only that setting


def test_another_name_forgets_the_settings_of_the_former():
    Path("run.toml").write_text(CONFIG)
    assert command("train --config run.toml --epochs 1 --optimizer sgd:nesterov=true,momentum=0.5") == 0
    optimizer = {"name": "sgd", "lr": 0.05, "momentum": 0.5, "nesterov": True, "weight_decay": 0.0}
    assert optimizer.items() <= resolved().optimizer.to_table().items()


def test_a_value_may_be_what_the_option_takes():
    text = 'epochs = 1\nout = "run"\noptimizer = "adam:lr=0.3"\nschedule = "cosine:final=0.5"\naugment = "none"\n'
    assert configured(text) == 0
    settings = resolved()
    assert (settings.optimizer.name, settings.optimizer.settings["lr"]) == ("adam", 0.3)
    assert make_schedule(settings.schedule) == Cosine(warmup=0.05, final=0.5)
    assert settings.augment.settings == {"degrees": 0, "translate": 0, "scale": (1, 1)}


def test_a_resumed_run_is_held_to_its_file():
    assert configured(CONFIG, "train") == 0
    assert configured(CONFIG, "train --resume run") == 0
    assert configured(CONFIG.replace("0.8", "0.7"), "train --resume run") == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "run.toml has the key epoch, which is not known: did you mean epochs?"),
        ("batch-size = 3", "did you mean batch_size?"),
        ("x = 3", f"run.toml has the key x, which is not known; known are {', '.join(PARSERS)}"),
        ("epochs = 0", "run.toml: epochs must be an integer of at least 1, got '0'"),
        ("epochs = 1.0", "run.toml: epochs must be an integer of at least 1, got '1.0'"),
        ("epochs = true", "run.toml: epochs must be an integer"),
        ('epochs = "many"', "run.toml: epochs must be an integer of at least 1, got 'many'"),
        ("epochs = [1]", "run.toml: epochs cannot be [1]"),
        ("lr = nan", "run.toml: lr must be a number above 0, got 'nan'"),
        ("data = 3", "run.toml: data cannot be 3"),
        ("optimizer = {name = 3}", "run.toml: optimizer.name must be a text, got 3"),
        ("optimizer = {momentun = 0.9}", "the optimizer sgd has no setting momentun: did you mean momentum?"),
        ('optimizer = {momentum = "much"}', "the optimizer sgd: momentum cannot be much; by default it is 0.9"),
        ("optimizer = {nesterov = 1}", "the optimizer sgd: nesterov cannot be 1; by default it is false"),
        ('optimizer = "adm"', "there is no optimizer 'adm': did you mean"),
        ('optimizer = "sgd:momentum"', "must be a name, perhaps with settings (sgd:momentum=0.9)"),
        (
            'optimizer = {name = "adam", betas = 0.9}',
            "the optimizer adam: betas cannot be 0.9; by default it is [0.9, ",
        ),
        ('optimizer = {name = "adam", betas = [0.9]}', "betas are two numbers"),
        ('schedule = {name = "stepp"}', "there is no schedule 'stepp': did you mean step?"),
        ('schedule = {name = "step", gama = 1.0}', "the schedule step has no setting gama: did you mean gamma?"),
        ('schedule = {name = "step", gamma = "x"}', "Step: gamma is a number above 0, got 'x'"),
        ('schedule = {name = "step", gamma = -1.0}', "Step: gamma is a number above 0, got -1.0"),
        ('loss = "mse"', "there is no loss 'mse'"),
        ('loss = "cross_entropi"', "there is no loss 'cross_entropi': did you mean"),
        ('loss = {name = "cross_entropy", label_smooth = 0.1}', "did you mean label_smoothing?"),
        ("augment = {degrees = -1}", "RandomAffine: degrees is the bound"),
        ("augment = {degree = 1}", "augment has no setting degree: did you mean degrees?"),
        ('model = "lenet"', None),  # the command line names the model: it is stronger
        ("epochs = ", "run.toml is no TOML file: "),
        ("\0", "run.toml is no TOML file: "),
    ],
)
def test_what_is_wrong_in_a_file_is_told_in_one_line(capsys, text, message):
    code = configured(f"{text}\n" if message else f"{text}\nepochs = 1\n")
    assert code == (2 if message else 0)
    if message:
        assert message in error_line(capsys)
        assert not Path("runs").exists()


def test_a_file_that_is_not_there_is_told(capsys):
    assert command("train --config nowhere.toml") == 2
    assert error_line(capsys) == "cannot read nowhere.toml: No such file or directory"

"""The command: what it writes, how it goes on, and what it says when it cannot."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from minigrad_models import MODELS

from minigrad import config, nn
from minigrad.cli import main, output, result
from minigrad.cli import train as train_module
from minigrad.cli.data_registry import DATA
from minigrad.cli.registries import make_loss, make_schedule
from minigrad.cli.training_settings import TrainingSettings, resolve
from minigrad.data import DataLoader, digits
from minigrad.errors import GraphError, MissingExtraError
from minigrad.functional import cross_entropy, mse_loss
from minigrad.io import FileLock
from minigrad.optim import SGD
from minigrad.optim.schedule import Constant
from minigrad.training import Callback, Progress, Run, fit, load_checkpoint
from tests.cli.helper import BATCHES, RECIPE, command, content, error_line, few_digits, train


def at_step(monkeypatch, step, action):
    """Have something happen after a step of the next training."""

    class Progress2(Progress):
        def on_step(self, training):
            super().on_step(training)
            if training.step == step:
                action()

    monkeypatch.setattr(train_module, "Progress", Progress2)


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


# ---- a run -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "told"), [((), True), (("--threads", 1), False)])
def test_busy_processors_are_left_to_others_and_that_is_told(monkeypatch, capsys, arguments, told):
    for name in config.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr(config, "_busy_processors", lambda: 3)
    for module in (config, train_module):
        monkeypatch.setattr(module, "available_threads", lambda: 4)
    assert train("--epochs", 1, *arguments) == 0
    assert json.loads(Path("runs/lenet5/settings.json").read_text())["threads"] == 1
    note = "minigrad: note: --threads 1 of 4, because other programs keep processors busy"
    assert (note in capsys.readouterr().err) == told


def test_a_run_folder_holds_settings_history_checkpoint_and_pictures(monkeypatch, capsys):
    monkeypatch.setattr(train_module, "write_pictures", result.write_pictures)
    assert train("--epochs", 2, "--seed", 3) == 0
    names = ["checkpoint.safetensors", "confusion.png", "curves.png", "graph.svg", "history.jsonl", "settings.json"]
    assert sorted(os.listdir("runs/lenet5")) == names
    settings = json.loads(Path("runs/lenet5/settings.json").read_text())
    assert (settings["model"], settings["epochs"], settings["batch_size"], settings["seed"]) == ("lenet5", 2, 16, 3)
    assert settings["threads"] == config.suitable_threads()
    assert settings["environment"] == config.environment()
    records = [json.loads(line) for line in Path("runs/lenet5/history.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [BATCHES, 2 * BATCHES]
    assert Path("runs/lenet5/graph.svg").read_text().rstrip().endswith("</svg>")
    out = capsys.readouterr().out
    assert f"test accuracy   {records[-1]['test_accuracy']:.2%}" in out
    assert "runs/lenet5/curves.png" in out


def test_every_setting_is_resolved_from_the_options_over_the_recipe():
    assert train("--epochs", 1, "--optimizer", "adam", "--lr", 0.002, "--schedule", "constant", "--threads", 1) == 0
    settings = TrainingSettings.from_json(json.loads(Path("runs/lenet5/settings.json").read_text()))
    assert (settings.optimizer.name, settings.optimizer.settings["lr"], settings.threads) == ("adam", 0.002, 1)
    assert make_schedule(settings.schedule) == Constant()
    motions = settings.augment.settings
    assert (motions["degrees"], motions["scale"]) == (RECIPE.degrees, RECIPE.scale)


def test_another_optimizer_than_the_recipes_gets_its_own_usual_rate():
    assert train("--epochs", 1, "--optimizer", "adam") == 0
    assert json.loads(Path("runs/lenet5/settings.json").read_text())["optimizer"]["lr"] == 0.001


@pytest.mark.parametrize("model", ["mlp-small", "lenet5", "lenet5-original"])
def test_models_learn(model):
    assert train("--epochs", 3, model=model) == 0
    losses = [json.loads(line)["loss"] for line in Path(f"runs/{model}/history.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]


def test_a_models_own_loss_is_used_and_cross_entropy_otherwise():
    own = MODELS["lenet5-original"].make()
    assert make_loss(None, own) == own.loss
    assert make_loss(None, MODELS["lenet5"].make()) is cross_entropy


def test_training_images_are_shuffled_and_moved_as_seed_and_recipe_say_and_test_images_never(monkeypatch):
    loaders = []
    monkeypatch.setattr(train_module, "fit", lambda model, loader, **s: loaders.append((loader, s["test"])) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train("--seed", 7)
    loader, test = loaders[0]
    motion = loader.transform
    assert (motion.degrees, motion.translate, motion.scale) == (RECIPE.degrees, RECIPE.translate, RECIPE.scale)
    assert motion.fill == few_digits()[0].arrays[0].min()
    assert test.transform is None
    assert (loader.seed, loader.shuffle) == (7, True)


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert train("--epochs", 1, "--seed", seed, "--out", name) == 0
    assert content("a") == content("b")
    assert content("a")[0] != content("c")[0]


def test_runs_are_numbered_and_never_overwritten():
    for _ in range(3):
        assert train("--epochs", 1) == 0
    assert sorted(os.listdir("runs")) == ["lenet5", "lenet5-2", "lenet5-3"]


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (MissingExtraError("matplotlib", extra="plot", purpose="plotting"), "plotting needs matplotlib: pip install"),
        (GraphError("too large"), "GraphError: too large"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_pictures_that_cannot_be_drawn_are_a_note_and_no_failure(monkeypatch, capsys, error, note):
    monkeypatch.setattr(train_module, "write_pictures", result.write_pictures)

    def missing(*_, **__):
        raise error

    monkeypatch.setattr("minigrad.viz.plots.training_curves.save_curves", missing)
    monkeypatch.setattr("minigrad.viz.plots.confusion.save_confusion", missing)
    monkeypatch.setattr("minigrad.viz.graph", missing)
    assert train("--epochs", 1) == 0
    out = capsys.readouterr().out
    assert len(re.findall(f"note .*was not drawn: .*{re.escape(note)}", out)) == 3


@pytest.mark.parametrize("rich", [True, False])
def test_a_terminal_gets_the_same_result_in_a_frame_if_rich_is_there(monkeypatch, capsys, rich):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(train_module, "Progress", Callback)
    if not rich:
        monkeypatch.setattr(output, "find_spec", lambda name: None)
    assert train("--epochs", 1) == 0
    out = capsys.readouterr().out
    for part in ("test accuracy", "61,706", "runs/lenet5/: checkpoint.safetensors", 'minigrad_models.create("lenet5")'):
        assert part in out
    assert ("╭" in out) == rich


# ---- interrupted and resumed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("step", [BATCHES + 2, 2 * BATCHES], ids=["mid-epoch", "end of epoch"])
def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(monkeypatch, capsys, optimizer, step):
    options = ("--epochs", 4, "--optimizer", optimizer)
    assert train(*options, "--out", "straight") == 0
    with monkeypatch.context() as patch:
        at_step(patch, step, ctrl_c)
        assert train(*options) == 130
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "stopped and saved; go on with: minigrad resume runs/lenet5"
    assert load_checkpoint("runs/lenet5/checkpoint.safetensors").metadata["step"] == step
    assert main(shlex.split(last.split("minigrad ", 1)[1])) == 0
    assert content("runs/lenet5") == content("straight")


def test_a_second_ctrl_c_ends_at_once_and_the_last_checkpoint_stays_good(monkeypatch, capsys):
    assert train("--epochs", 3, "--out", "straight") == 0
    with monkeypatch.context() as patch:
        at_step(patch, BATCHES + 2, lambda: (ctrl_c(), ctrl_c()))
        assert train("--epochs", 3) == 130
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("ended at once, after the last checkpoint; go on with: minigrad resume runs/lenet5")
    assert load_checkpoint("runs/lenet5/checkpoint.safetensors").metadata["step"] == BATCHES
    assert train("--resume") == 0
    assert content("runs/lenet5") == content("straight")


def test_ctrl_c_means_what_it_meant_before_once_the_training_is_over():
    before = signal.getsignal(signal.SIGINT)
    assert train("--epochs", 1) == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_the_training_ends_with_its_exit_code(monkeypatch, capsys):
    monkeypatch.setattr(train_module, "load_samples", lambda *_: ctrl_c())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs begin without it
    try:
        assert train() == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "minigrad: interrupted\n"


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    for fault in (GraphError("bug"), ZeroDivisionError()):
        with monkeypatch.context() as patch:
            at_step(patch, 1, lambda fault=fault: (_ for _ in ()).throw(fault))
            with pytest.raises(type(fault)):
                train("--epochs", 1)


def test_resume_without_a_folder_takes_the_latest_run_of_that_model(monkeypatch, capsys):
    at_step(monkeypatch, 1, ctrl_c)
    assert train() == 130
    assert train() == 130
    assert train(model="lenet5-original") == 130
    capsys.readouterr()
    at_step(monkeypatch, 2, ctrl_c)
    assert train("--resume") == 130
    assert "runs/lenet5-2 goes on after epoch 0" in capsys.readouterr().out


def test_options_that_repeat_the_runs_settings_are_accepted(monkeypatch):
    at_step(monkeypatch, 1, ctrl_c)
    assert train("--epochs", 2, "--lr", 0.01, "--out", "run") == 130
    same = ("--epochs", 2, "--lr", 0.01, "--optimizer", "sgd", "--seed", 0, "--data", "digits", "--schedule", "cosine")
    assert train(*same, "--out", "run", "--resume", "run") == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--lr", 0.2), ("--lr 0.2", "--lr 0.01")),
        (("--seed", 5), ("--seed 5", "--seed 0")),
        (("--clip-norm", 5), ("--clip-norm 5.0", "--clip-norm none")),
        (("--optimizer", "adam"), ("--optimizer adam", "--optimizer sgd")),
        (("--schedule", "constant"), ("--schedule constant", "--schedule cosine")),
        (("--epochs", 1), ("--epochs 1", "--epochs 2")),
        (("--epochs", 3), ("--epochs 3", "--epochs 2", "its cosine schedule follows from that number")),
        (("--out", "other"), ("--out other", "--resume run")),
    ],
)
def test_options_that_contradict_the_run_are_refused_with_both_values(monkeypatch, capsys, options, said):
    at_step(monkeypatch, 1, ctrl_c)
    assert train("--epochs", 2, "--lr", 0.01, "--out", "run") == 130
    before = content_of_files("run")
    capsys.readouterr()
    assert train("--resume", "run", *options) == 2
    message = error_line(capsys)
    assert all(part in message for part in said), message
    assert content_of_files("run") == before


def content_of_files(folder):
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def test_with_a_constant_schedule_a_longer_training_is_a_continuation():
    constant = ("--schedule", "constant")
    assert train("--epochs", 3, *constant, "--out", "straight") == 0
    assert train("--epochs", 2, *constant, "--out", "longer") == 0
    assert train("--resume", "longer", "--epochs", 3) == 0
    (straight, _, straight_records), (longer, _, longer_records) = content("straight"), content("longer")
    assert (longer, longer_records) == (straight, straight_records)
    assert json.loads(Path("longer/settings.json").read_text())["epochs"] == 3
    assert train("--resume", "longer", "--epochs", 3) == 0


def test_resuming_a_finished_run_trains_no_more_and_shows_its_result(monkeypatch, capsys):
    assert train("--epochs", 1, "--out", "run") == 0
    before = content_of_files("run")
    at_step(monkeypatch, BATCHES + 1, lambda: pytest.fail("it went on"))
    assert train("--resume", "run") == 0
    assert content_of_files("run") == before
    assert "test accuracy" in capsys.readouterr().out


def test_going_on_with_other_versions_is_noted(monkeypatch, capsys):
    at_step(monkeypatch, 1, ctrl_c)
    assert train("--epochs", 1, "--out", "run") == 130
    environment = {**config.environment(), "numpy": "9.9"}
    monkeypatch.setattr(train_module, "environment", lambda: environment)
    assert train("--resume", "run") == 0
    assert f"note: numpy was {np.__version__} and is 9.9 now" in capsys.readouterr().err


def test_more_epochs_for_a_run_that_is_in_use_change_nothing(capsys):
    assert train("--epochs", 1, "--schedule", "constant", "--out", "run") == 0
    before = content_of_files("run")
    lock = FileLock("run/.lock")
    lock.acquire()
    try:
        assert command("resume run --epochs 2") == 2
    finally:
        lock.release()
    assert "run is in use by process" in capsys.readouterr().err
    assert content_of_files("run") == before


@pytest.mark.parametrize("change", [{"model": 5}, {"data": {}}, {"data": 3}, {"optimizer": {"lr": 1}}])
def test_settings_without_names_are_told(capsys, change):
    Run.create("run", {**resolve([{"model": "lenet5"}]).to_json(), **change})
    assert main(["resume", "run"]) == 2
    assert error_line(capsys) == f"not a run of `minigrad train`: its {next(iter(change))} has no name"


def make_foreign(folder):
    """A run that was not made by the command."""
    loader = DataLoader((np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)))
    model = nn.Linear(2, 2)
    run = Run.create(folder, {"lr": 1})
    fit(model, loader, loss=mse_loss, optimizer=SGD(model.parameters()), epochs=1, callbacks=[run])


# ---- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("trian", "COMMAND: invalid choice: 'trian'"),
        ("train", "no model is named: name one, or have the configuration file name it"),
        ("train lenet", "there is no model 'lenet': did you mean lenet5 or lenet5-original?"),
        ("train qqq", "there is no model 'qqq'; `minigrad summary` lists all"),
        ("train lenet --resume", "there is no model 'lenet': did you mean lenet5 or lenet5-original?"),
        (
            "train lenet5 --data digit",
            "there is no data 'digit', nor such a folder: did you mean digits or digits-images?",
        ),
        ("train lenet5 --data digits:sise=16", "the data digits has no setting sise: did you mean size?"),
        ("train lenet5 --epochs 0", "--epochs: must be an integer of at least 1, got '0'"),
        ("train lenet5 --epochs 1.5", "--epochs: must be an integer of at least 1, got '1.5'"),
        ("train lenet5 --batch-size -4", "--batch-size: must be an integer of at least 1, got '-4'"),
        ("train lenet5 --seed -1", "--seed: must be an integer of at least 0, got '-1'"),
        ("train lenet5 --threads 0", "--threads: must be an integer from 1 to "),
        ("train lenet5 --threads 100000", "--threads: must be an integer from 1 to "),
        ("train lenet5 --lr abc", "--lr: must be a number above 0, got 'abc'"),
        ("train lenet5 --lr nan", "--lr: must be a number above 0, got 'nan'"),
        ("train lenet5 --lr inf", "--lr: must be a number above 0, got 'inf'"),
        ("train lenet5 --lr 0", "--lr: must be a number above 0, got '0'"),
        ("train lenet5 --optimizer adm", "there is no optimizer 'adm': did you mean"),
        (
            "train lenet5 --optimizer adam:betas=[0.8,true]",
            "betas cannot be [0.8, true]; by default it is",
        ),
        ("train lenet5 --augment scale=[0.9]", "RandomAffine: scale must be (lower, upper)"),
        ("train lenet5 --epoch 3", "unrecognized arguments: --epoch 3"),
        ("train lenet5 --out file", "file is a file: a run needs a folder of its own"),
        ("train lenet5 --out file/run", "cannot make the folder file/run: Not a directory"),
        ("train lenet5 --out full", "the folder full exists and is not empty"),
        ("train lenet5 --resume", "there is no run of lenet5 in runs to go on with"),
        ("train lenet5 --resume nowhere", "there is no run folder nowhere"),
        ("train lenet5 --resume full", "there is no file full/checkpoint.safetensors"),
        ("train lenet5 --resume damaged", "damaged/checkpoint.safetensors is damaged or no safetensors file"),
        ("train lenet5 --resume foreign", "not a run of `minigrad train`: the setting 'model' is missing"),
        ("train lenet5-original --resume run", "run is a run of lenet5, not of lenet5-original"),
        ("train lenet5 --lr 1e30", " became nan in epoch 1, at step"),
    ],
)
def test_what_the_user_can_put_right_is_one_line_and_exit_code_2(tmp_path, capsys, arguments, message):
    if "--resume run" in arguments:
        assert train("--epochs", 1, "--out", "run") == 0
        capsys.readouterr()
    (tmp_path / "foreign").mkdir()
    make_foreign("foreign")
    (tmp_path / "file").write_text("x")
    for name in ("full", "damaged"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "notes").write_text("x")
    (tmp_path / "damaged" / "checkpoint.safetensors").write_bytes(b"PK" + bytes(100))
    assert main(arguments.split()) == 2
    assert message in error_line(capsys)
    assert (tmp_path / "file").read_text() == "x"
    assert os.listdir("full") == ["notes"]


@pytest.mark.parametrize(("module", "extra"), [("sklearn.datasets", "data"), ("safetensors.numpy", "io")])
def test_a_missing_extra_is_told_before_anything_is_written(monkeypatch, capsys, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(DATA, "digits", replace(DATA["digits"], load=digits))
    assert train() == 2
    assert f'pip install "minigrad[{extra}]"' in error_line(capsys)


def test_a_training_that_diverges_keeps_the_checkpoint_of_before(monkeypatch, capsys):
    assert train("--lr", 1e30, "--out", "run") == 2
    assert "; the checkpoint in run is from before" in error_line(capsys)
    checkpoint = load_checkpoint("run/checkpoint.safetensors")
    assert all(np.isfinite(array).all() for array in checkpoint.model.values())


# ---- help ------------------------------------------------------------------------------------------------------


def test_help_tells_every_option_with_its_default(capsys):
    with pytest.raises(SystemExit) as end:
        main(["train", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    options = re.split(r"^  (?=-)", text.split("options:")[1].split("small models: ")[0], flags=re.MULTILINE)[2:]
    assert len(options) == 22
    for option in options:
        assert "default: " in " ".join(option.split()), option
    for name, entry in MODELS.items():
        assert not entry.small or name in text


def test_version_is_the_packages(capsys):
    from importlib.metadata import version

    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"minigrad {version('minigrad')}\n"


def test_settings_survive_json():
    for model in MODELS:
        settings = resolve([{"model": model}])
        assert TrainingSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


# ---- as a process ----------------------------------------------------------------------------------------------

SLOW = """
import sys
from dataclasses import replace
from minigrad.cli import main
from minigrad.cli.data_registry import DATA
from minigrad.data import ArrayDataset, digits

def few_digits(size):
    return tuple(ArrayDataset(*part[:64], classes=part.classes) for part in digits(size))

DATA["digits"] = replace(DATA["digits"], load=few_digits)
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_in_a_real_process_saves_and_says_how_to_go_on():
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "train", "lenet5", "--epochs", "100000", "--threads", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("epoch      2/"):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate()
    assert err == ""
    assert process.returncode == 130
    assert out.splitlines()[-1] == "stopped and saved; go on with: minigrad resume runs/lenet5"
    checkpoint = load_checkpoint("runs/lenet5/checkpoint.safetensors")
    assert checkpoint.epoch >= 2
    assert len(Path("runs/lenet5/history.jsonl").read_text().splitlines()) == checkpoint.epoch


def test_an_error_in_a_real_process_has_no_traceback():
    done = subprocess.run([sys.executable, "-m", "minigrad", "train", "lenet"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "minigrad: error: there is no model 'lenet': did you mean lenet5 or lenet5-original?\n"

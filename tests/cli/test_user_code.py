"""Models, data and losses of the user's: `package.module:callable`, and folders of images."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.cli.data_registry import DATA, load_samples
from minigrad.cli.spec import Spec
from tests.cli.helper import answer, command, error_line

NET = """
import numpy as np
from minigrad import nn
from minigrad.data import Dataset

class Net(nn.Module):
    def __init__(self, width=8):
        self.body = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 2))

    def forward(self, x):
        return self.body(x)

def labeled_sum():
    return nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))

def distance(output, target):
    return ((output - target.data.astype("float32")) ** 2).mean()

class Counting(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        return np.full(2, i, "float32"), i % 2

class Pairs:
    __len__, __getitem__ = Counting.__len__, Counting.__getitem__

def datasets():
    return Counting(), Pairs()

def empty():
    return (np.zeros((0, 2), "float32"), np.zeros(0)), (np.zeros((4, 2), "float32"), np.zeros(4))

def numbers():
    return 1, 2

class Volume(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(np.ones(1, "float32"))

    def forward(self, x):
        return x * self.scale

def volumes():
    x = np.ones((4, 1, 8, 8), "float32")
    return (x, x), (x, x)

def images():
    part = np.ones((4, 1, 8, 8), "float32"), np.array([0, 1, 1, 1])
    return part, part

def logit():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 1))

def of_logit(output, target):
    return ((output[:, 0] - target.data.astype("float32")) ** 2).mean()

class Deep:
    Net = Net

def flat():
    return nn.Sequential(nn.Flatten(), nn.Linear(1024, 10))

def colored():
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 3))

def silent():
    return nn.Sequential(nn.Identity())

def points(samples=32):
    x = np.random.default_rng(0).normal(size=(samples, 2)).astype("float32")
    return (x, x[:, ::-1].copy()), (x[:8], x[:8, ::-1].copy())

def alone():
    return (np.zeros((4, 2), "float32"),), (np.zeros((4, 2), "float32"),)

def uneven():
    return (np.zeros((4, 2), "float32"), np.zeros(3)), (np.zeros((4, 2), "float32"), np.zeros(3))

def loss(output, target, power=2):
    return (abs(output - target) ** power).mean()

def vector(output, target):
    return (output - target).sum(axis=1)

def broken():
    return 1 / 0

def needy(a, b=1):
    return Net()

def number():
    return 3

constant = 3
print("the user's module prints this")
"""


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    Path("net.py").write_text(NET)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith(("minigrad", "numba", "llvmlite", "sklearn", "scipy", "PIL", "matplotlib", "rich")):
            del sys.modules[name]


def test_a_model_and_data_of_the_users_are_trained_evaluated_and_summed_up(capsys):
    line = "train net:Net --data net:points:samples=64 --loss net:loss:power=1 --epochs 3 --batch-size 8 --lr 0.05"
    trained = answer(capsys, line)
    assert trained["run"] == "runs/Net"
    losses = [json.loads(text)["test_loss"] for text in Path("runs/Net/history.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    assert answer(capsys, "evaluate runs/Net").keys() >= {"loss", "mse", "mae", "r2"}
    assert answer(capsys, "summary net:Net --input 3x2")["total"]["parameters"] == 42
    assert answer(capsys, "summary runs/Net")["input"] == [1, 2]
    assert command("resume runs/Net --epochs 4") == 0


def test_the_weights_can_be_used_in_python_as_the_result_says(capsys):
    assert command("train net:Net --data moons --epochs 1") == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    start = lines.index("from net import Net")
    names = {}
    exec("\n".join(lines[start : start + 4]), names)
    assert names["model"](np.zeros((5, 2), np.float32)).shape == (5, 2)


def test_what_a_users_module_prints_is_not_in_the_document(capsys):
    assert command("train net:Net --data moons --epochs 1 --json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "finished"
    assert "the user's module prints this" in err


def test_data_may_be_datasets_or_anything_with_a_length_and_items(capsys):
    assert command("train net:Net --data net:datasets --epochs 1 --batch-size 2") == 0
    found = answer(capsys, "evaluate runs/Net")
    assert [row["samples"] for row in found["classes"]] == [3, 3]


def test_outputs_that_are_no_scores_are_measured_as_numbers(capsys):
    assert command("train net:labeled_sum --data moons --loss net:distance --epochs 1") == 0
    found = answer(capsys, "evaluate runs/labeled_sum")
    assert found["loss"] == pytest.approx(found["mse"], rel=1e-5)
    assert "classes" not in found


def test_predict_needs_images_and_scores_of_classes(capsys):
    from PIL import Image

    Image.new("L", (8, 8)).save("gray.png")
    assert command("train net:Net --data moons --epochs 1") == 0
    assert command("train net:Volume --data net:volumes --loss mse_loss --epochs 1") == 0
    capsys.readouterr()
    assert command("predict runs/Net gray.png") == 2
    assert error_line(capsys) == "runs/Net was trained on samples of shape 2: neither images nor sounds"
    assert command("predict runs/Volume gray.png") == 2
    assert error_line(capsys) == "net:Volume gives outputs of shape (1, 1, 8, 8), and no scores of classes"


def test_a_single_output_is_no_score_of_a_class(capsys):
    from PIL import Image

    Image.new("L", (8, 8)).save("gray.png")
    assert command("train net:logit --data net:images --loss net:of_logit --epochs 1") == 0
    assert "accuracy" not in answer(capsys, "evaluate runs/logit")
    assert command("predict runs/logit gray.png") == 2
    assert error_line(capsys) == "net:logit gives outputs of shape (1, 1), and no scores of classes"


def test_scenes_are_data_without_their_boxes_and_gray_images_get_colors(capsys):
    assert command("train net:colored --data scenes:size=8") == 2
    assert "size must be from 16" in error_line(capsys)
    train, _ = _parts(Spec("scenes", {"size": 16}), ())
    assert [array.shape[1:] for array in train.batch(np.arange(2), np.random.default_rng(0))] == [(3, 16, 16), ()]
    train, _ = _parts(Spec("digits"), (3, 24, 24))
    images, _ = train.batch(np.arange(2), np.random.default_rng(0))
    assert images.shape == (2, 3, 24, 24)


def _parts(chosen, shape):
    samples = load_samples(chosen, shape)
    return samples.train, samples.test


def test_folders_of_images_are_data(capsys):
    from PIL import Image

    for number, name in enumerate(("cat", "dog", "eel")):
        Path("pets", name).mkdir(parents=True)
        for i in range(10):
            Image.new("RGB", (9, 9), (80 * number, 20 * i, 0)).save(f"pets/{name}/{i}.png")
    assert command("train net:colored --data pets:size=8 --epochs 20 --lr 0.01") == 0
    found = answer(capsys, "predict runs/colored pets/dog/3.png --top 3")["predictions"][0]
    assert {row["class"] for row in found["classes"]} == {"cat", "dog", "eel"}
    assert [row["class"] for row in answer(capsys, "evaluate runs/colored")["classes"]] == ["cat", "dog", "eel"]
    assert command("train lenet5 --data pets --epochs 1") == 0  # in gray, and in its size
    assert answer(capsys, "evaluate runs/lenet5 --data pets")["samples"] == 6


def test_the_first_line_tells_classes_and_size_and_broken_images_are_skipped_on_request(capsys):
    from PIL import Image

    for name in ("cat", "dog"):
        Path("pets", name).mkdir(parents=True)
        for i in range(10):
            Image.new("RGB", (9, 9), (20 * i, 0, 0)).save(f"pets/{name}/{i}.png")
    Path("pets/cat/3.png").write_text("no image")
    with pytest.warns(UserWarning, match=r"left out 1 file that cannot be read: pets.cat.3.png is damaged"):
        assert command("train net:colored --data pets:size=8 --epochs 1 --skip-broken") == 0
    assert "15 samples to train on, 4 to test on, of shape 3x8x8, in 2 classes: cat, dog" in capsys.readouterr().out
    Path("parent").mkdir()
    Path("pets").rename("parent/pets")
    assert command("train net:colored --data parent --epochs 1") == 2
    assert "parent has one folder, pets, and so one class: did you mean parent/pets, which has cat, dog?" in error_line(
        capsys
    )


@pytest.mark.parametrize("name", sorted(DATA))
def test_data_by_name_is_found_before_it_is_loaded(name, capsys):
    assert command(f"train net:Net --data {name}:sise=3") == 2
    assert f"the data {name} has no setting sise" in error_line(capsys)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train net:Nett", "there is no 'Nett' in net (net.py): did you mean Net?"),
        ("train net:Deep.Nat", "there is no 'Deep.Nat' in net (net.py)"),
        ("train net:xyz", "there is no 'xyz' in net (net.py); it has Net, labeled_sum, distance, "),
        ("train net:constant", "net:constant is a int, and should be a function or a class"),
        ("train net:number", "net:number gives a value of type int, and should give a nn.Module"),
        ("train net:needy", "net:needy is called with no arguments, and takes (a, b=1): missing a required argument"),
        ("train net:broken", "net:broken raised ZeroDivisionError: division by zero (net.py, line "),
        ("train nett:Net", "there is no module nett in "),
        ("train net.py:Net", "did you mean net:Net?"),
        ("train ./net.py:Net", "'./net.py:Net' is no name such as package.module:callable: did you mean net:Net?"),
        ("train net:", "'net:' is no name such as package.module:callable"),
        ("train :Net", "':Net' is no name such as package.module:callable"),
        ("train os:abort", "os:abort: os is a module of Python's own"),
        ("train net:np.zeros", "net:np.zeros is not defined in net but in numpy"),
        ("train syntax:Net", "syntax cannot be imported: SyntaxError: invalid syntax (syntax.py, line 2)"),
        ("train missing:Net", "missing cannot be imported: ModuleNotFoundError: No module named 'nowhere' (missing.py"),
        ("train leaving:Net", "leaving cannot be imported: SystemExit: 1 (leaving.py, line 1)"),
        ("train net:silent --data moons", "Sequential has no parameters to train"),
        ("train net:Net --data digits", "net:Net cannot take the samples of digits, of shape 1x32x32: "),
        ("train net:flat --data mooons", "there is no data 'mooons', nor such a folder: did you mean moons?"),
        ("train lenet5 --data moons", "lenet5 takes samples of shape 1x32x32, and moons has 2"),
        ("train net:Net --data moons --augment degrees=3", "--augment moves images, and moons has none"),
        ("train net:Net --data spirals:classes=3", "net:Net has 2 outputs, and spirals:classes=3 has 3 classes"),
        ("train net:Net --data moons --loss mse_loss", "the loss cannot take the outputs float32 (2, 2) of net:Net"),
        ("train net:Net --data net:points --loss net:vector", "the loss must give one number, and gave (2,)"),
        ("train net:Net --data net:points --loss net:number", "net:number is called with 2 arguments, and takes ()"),
        ("train net:Net --data net:number", "net:number gives a value of type int, and should give (train, test)"),
        ("train net:Net --data net:empty", "net:empty has 0 samples to train on and 4 to test on: it needs both"),
        ("train net:Net --data net:numbers", "net:numbers: object of type 'int' has no len()"),
        ("train net:Net --data net:alone", "net:alone: its samples have no target"),
        ("train net:Net --data net:uneven", "net:uneven: ArrayDataset: the arrays must have the same first length"),
        ("train net:Net --data net:points:sample=3", "net:points is called with sample, and takes (samples=32)"),
        ("summary net:Net", "net:Net does not tell what it takes: name the shape of a batch, as in --input 1x3x32x32"),
        ("summary net:Net --input 1x3", "net:Net cannot take an input of shape 1x3: "),
        ("summary net:Net --input 1xx3", "--input: must be sizes such as 1x32x32, got '1xx3'"),
    ],
)
def test_what_can_be_wrong_is_told_in_one_line_before_anything_is_written(capsys, line, message):
    Path("syntax.py").write_text("x = 1\nx = = 2\n")
    Path("missing.py").write_text("import nowhere\n")
    Path("leaving.py").write_text("raise SystemExit(1)\n")
    assert command(line) == 2
    assert message in error_line(capsys)
    assert not Path("runs").exists()

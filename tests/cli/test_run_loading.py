"""What is done with a run: evaluate, predict, resume."""

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from minigrad_models import create
from threadpoolctl import threadpool_limits

import minigrad
from minigrad import no_grad
from minigrad.cli.data_registry import DATA, DataEntry
from minigrad.data import ArrayDataset, digits
from minigrad.data.datasets.digits import BACKGROUND, FOREGROUND
from minigrad.functional import softmax
from minigrad.training import load_checkpoint
from minigrad.training import predict as predict_all
from tests.cli.helper import answer, command, content, error_line, few_digits, train


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a run of LeNet-5 that has learned something from 300 digits."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1, user_api="blas"):
        patch.chdir(folder)
        patch.setattr("minigrad.cli.train.write_pictures", lambda *_: [])
        patch.setattr("minigrad.cli.train.set_threads", lambda n: None)
        line = "train lenet5 --data digits:test_fraction=0.8 --epochs 10 --augment none --optimizer adam:lr=0.005"
        assert command(f"{line} --schedule constant --out run --batch-size 16") == 0
    return folder


@pytest.fixture
def run(runs, monkeypatch):
    """A copy of that run, in the current folder, with all digits."""
    monkeypatch.setitem(DATA, "digits", DataEntry(digits, "", BACKGROUND, FOREGROUND, BACKGROUND))
    shutil.copytree(runs / "run", "run")
    return "run"


def model_of(run):
    model = create("lenet5").eval()
    model.load_state_dict(load_checkpoint(f"{run}/checkpoint.safetensors").model)
    return model


def write_image(path, image):
    from PIL import Image

    pixels = (image[0] - BACKGROUND) / (FOREGROUND - BACKGROUND) * 255
    Image.fromarray(pixels.round().astype(np.uint8)).save(path)


# ---- evaluate --------------------------------------------------------------------------------------------------


def test_evaluate_finds_what_the_training_found_last(run, capsys):
    found = answer(capsys, f"evaluate {run}")
    last = json.loads(Path(run, "history.jsonl").read_text().splitlines()[-1])
    assert (found["loss"], found["accuracy"]) == (last["test_loss"], last["test_accuracy"])
    assert (found["run"], found["model"], found["epoch"]) == ("run", "lenet5", 10)
    assert found["accuracy"] > 0.8


def test_the_rows_of_the_classes_are_counts_of_the_confusions(run, capsys):
    found = answer(capsys, f"evaluate {run}")
    _, test = digits(test_fraction=0.8)
    outputs, targets = predict_all(model_of(run), test)
    called = outputs.argmax(axis=1)
    for digit, row in enumerate(found["classes"]):
        right = np.sum((called == digit) & (targets == digit))
        precision, recall = right / np.sum(called == digit), right / np.sum(targets == digit)
        f1 = 2 * precision * recall / (precision + recall)
        assert (row["class"], row["samples"]) == (str(digit), np.sum(targets == digit))
        assert (row["precision"], row["recall"], row["f1"]) == pytest.approx((precision, recall, f1))
    top = np.mean([target in order[-5:] for order, target in zip(outputs.argsort(axis=1), targets, strict=True)])
    assert found["top_5_accuracy"] == pytest.approx(top)


def test_evaluate_takes_other_data(run, capsys, monkeypatch):
    few = ArrayDataset(*few_digits()[1][:20], classes=few_digits()[1].classes)
    monkeypatch.setitem(DATA, "few", DataEntry(lambda size=32: (few, few), ""))
    assert answer(capsys, f"evaluate {run} --data few")["samples"] == 20
    assert command(f"evaluate {run} --data moons") == 2
    assert error_line(capsys) == "run was trained on the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and moons has 0, 1"


def test_evaluate_prints_a_table(run, capsys):
    assert command(f"evaluate {run}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "run after epoch 10, on 1,438 test samples of digits:test_fraction=0.8"
    assert [line.split()[0] for line in lines[-10:]] == list("0123456789")
    assert lines[-11].split() == ["class", "precision", "recall", "f1", "samples"]


# ---- predict ---------------------------------------------------------------------------------------------------


def test_predict_reads_image_files_as_the_model_read_its_test_images(run, capsys):
    _, test = digits(test_fraction=0.8)
    images, labels = test[:70]  # more than go together into a batch
    names = [f"{i:02}.png" for i in range(len(images))]
    for name, image in zip(names, images, strict=True):
        write_image(name, image)
    found = answer(capsys, f"predict {run} --top 10", *names)["predictions"]
    with no_grad():
        scores = model_of(run)(images).data
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    for row, name, share in zip(found, names, shares, strict=True):
        assert row["image"] == name
        told = [each["probability"] for each in row["classes"]]
        assert told == sorted(told, reverse=True)
        by_class = [each["probability"] for each in sorted(row["classes"], key=lambda each: each["class"])]
        assert by_class == pytest.approx(share, abs=0.02)  # a file has 8 bits a pixel
    best = [row["classes"][0]["class"] for row in found]
    assert np.mean(np.array(best).astype(int) == labels) > 0.8


def test_ink_on_paper_is_read_inverted(run, capsys):
    from PIL import Image, ImageOps

    write_image("bright.png", digits()[1][:1][0][0])
    ImageOps.invert(Image.open("bright.png")).save("dark.png")
    bright, dark = (answer(capsys, f"predict {run} --top 10 {words}") for words in ("bright.png", "dark.png --invert"))
    for one, other in zip(bright["predictions"][0]["classes"], dark["predictions"][0]["classes"], strict=True):
        assert one["class"] == other["class"]
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)


def test_images_of_other_sizes_and_colors_are_converted(run, capsys):
    from PIL import Image

    write_image("seven.png", digits()[1][:1][0][0])
    plain = answer(capsys, f"predict {run} seven.png")["predictions"][0]["classes"][0]
    Image.open("seven.png").resize((96, 96), Image.Resampling.NEAREST).convert("RGB").save("large.png")
    large = answer(capsys, f"predict {run} large.png")["predictions"][0]["classes"][0]
    assert large["class"] == plain["class"]
    assert large["probability"] == pytest.approx(plain["probability"], abs=0.1)


def test_predict_prints_a_line_an_image(run, capsys):
    write_image("a b.png", digits()[1][:1][0][0])
    assert command(f"predict {run} 'a b.png' --top 2") == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["image", "class", "probability"]
    assert first.startswith("a b.png ")
    assert first.endswith("%")
    assert len(second.split()) == 2


def test_predict_takes_a_folder_and_goes_on_with_the_good_files(run, capsys):
    Path("pictures", "more").mkdir(parents=True)
    for name in ("a", "more/b"):
        write_image(f"pictures/{name}.png", digits()[1][:1][0][0])
    Path("pictures/c.png").write_text("not an image")
    assert command(f"predict {run} pictures nowhere.png --json") == 2
    found = json.loads(capsys.readouterr().out)
    assert [row["image"] for row in found["predictions"]] == ["pictures/a.png", "pictures/more/b.png"]
    assert [row["image"] for row in found["broken"]] == ["pictures/c.png", "nowhere.png"]
    assert command(f"predict {run} pictures") == 2
    assert "minigrad: pictures/c.png is damaged or no image" in capsys.readouterr().err
    assert command(f"predict {run} pictures/a.png") == 0


def test_a_run_that_failed_before_its_first_step_is_told(capsys):
    for part in ("train/cat", "train/dog", "test/cat"):
        Path("pets", part).mkdir(parents=True)
        for i in range(4):
            write_image(f"pets/{part}/{i}.png", digits()[1][:1][0][0])
    Path("pets/train/dog/3.png").write_text("no image")
    Path("pets/test/cat/3.png").write_text("no image")
    assert command("train lenet5 --data pets --epochs 1 --out begun") == 2
    assert "2 files that cannot be read" in capsys.readouterr().err
    write_image("seven.png", digits()[1][:1][0][0])
    with pytest.warns(UserWarning, match="begun was saved before its first step: its weights are untrained"):
        assert command("predict begun seven.png") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nowhere x.png", "there is no run folder nowhere; there are runs/lenet5"),
        ("run nowhere.png", "there is no file nowhere.png"),
        ("run text.png", "text.png is damaged or no image"),
        ("run half.png", "half.png is damaged or no image"),
        ("run empty", "there are no images in the folder empty"),
        ("run", "the following arguments are required: INPUT"),
        ("run seven.png --top 0", "--top: must be an integer of at least 1, got '0'"),
    ],
)
def test_errors_of_predict_name_the_file(run, capsys, words, message):
    write_image("seven.png", digits()[1][:1][0][0])
    content = Path("seven.png").read_bytes()
    Path("half.png").write_bytes(content[: len(content) // 2])
    Path("text.png").write_text("not an image")
    Path("empty").mkdir()
    shutil.copytree("run", "runs/lenet5")
    assert command(f"predict {words}") == 2
    assert message in error_line(capsys)


# ---- resume ----------------------------------------------------------------------------------------------------


def test_resume_with_more_epochs_is_the_longer_training():
    constant = ("--schedule", "constant")
    assert train("--epochs", 2, *constant, "--out", "straight") == 0
    assert train("--epochs", 1, *constant, "--out", "run") == 0
    assert command("resume run --epochs 2") == 0
    (straight, _, straight_records), (longer, _, longer_records) = content("straight"), content("run")
    assert (longer, longer_records) == (straight, straight_records)


def test_resume_refuses_what_the_schedule_does_not_allow(capsys):
    assert train("--epochs", 1, "--out", "run") == 0
    capsys.readouterr()
    assert command("resume run --epochs 2") == 2
    assert "its cosine schedule follows from that number" in error_line(capsys)


# ---- runs that are no good -------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["evaluate run", "predict run x.png", "resume run", "summary run"])
def test_a_run_that_is_damaged_or_empty_is_told(run, capsys, line):
    path = Path("run/checkpoint.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert command(line) == 2
    assert "run/checkpoint.safetensors" in error_line(capsys)
    path.unlink()
    if not line.startswith("resume"):  # which begins anew
        assert command(line) == 2
        assert error_line(capsys) == "run was begun, and nothing of it is saved yet"


def test_a_model_that_has_changed_since_is_told(capsys, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    text = "from minigrad import nn\ndef changing():\n    return nn.Linear(2, {})\n"
    Path("changing.py").write_text(text.format(2))
    assert command("train changing:changing --data moons --epochs 1") == 0
    monkeypatch.delitem(__import__("sys").modules, "changing")
    Path("changing.py").write_text(text.format(12))
    capsys.readouterr()
    assert command("evaluate runs/changing") == 2
    message = error_line(capsys)
    assert "runs/changing does not fit changing:changing, which may have changed since: " in message
    assert "weight is (12, 2) here and (2, 2) in the state" in message


# ---- weights from elsewhere ------------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """LeNet-5's weights in a file, as another program might have written it, and an image."""
    monkeypatch.chdir(tmp_path)
    minigrad.seed(3)
    model = create("lenet5").eval()
    minigrad.io.save("w.safetensors", model.state_dict())
    ink = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    PIL.Image.fromarray(ink).save("x.png")
    pixels = ink[None, None].astype(np.float32) / 255 * np.float32(1.275) - np.float32(0.1)
    return softmax(model(pixels), 1).numpy()[0]


def test_predict_takes_a_model_with_the_weights_of_a_file(weights, capsys):
    found = answer(capsys, "predict lenet5 --weights w.safetensors x.png --top 10")["predictions"][0]["classes"]
    assert [int(row["class"]) for row in found] == np.argsort(-weights).tolist()
    np.testing.assert_allclose([row["probability"] for row in found], np.sort(weights)[::-1], rtol=1e-4)


def test_training_begins_with_the_weights_of_a_file(weights, capsys):
    line = "train lenet5 --weights w.safetensors --epochs 1 --lr 1e-12 --augment none --out run"
    before = answer(capsys, "evaluate lenet5 --weights w.safetensors")
    assert answer(capsys, line)["last"]["test_loss"] == pytest.approx(before["loss"], rel=1e-5)
    assert json.loads(Path("run/settings.json").read_text())["weights"] == "w.safetensors"


@pytest.mark.parametrize("line", ["train lenet5-original", "predict lenet5-original x.png", "evaluate lenet5-original"])
def test_weights_that_do_not_fit_are_refused(weights, line, capsys):
    assert command(f"{line} --weights w.safetensors") == 2
    assert "w.safetensors does not fit the model" in error_line(capsys)
    assert not Path("runs").exists()


@pytest.mark.parametrize("name", ["localizer", "autoencoder", "dcgan"])
def test_predict_refuses_what_is_no_classifier(tmp_path, name, capsys):
    minigrad.io.save(tmp_path / "w.safetensors", create(name).state_dict())
    assert command(f"predict {name} --weights {tmp_path / 'w.safetensors'} x.png") == 2
    assert f"{name} is no classifier" in error_line(capsys)

"""`predict` on sounds and texts, and the other commands on models of tokens."""

import json

import numpy as np
import pytest
from minigrad_models import MODELS

from minigrad.cli.data_registry import DATA, DataEntry
from minigrad.data import ArrayDataset, BytePairTokenizer, CharacterTokenizer, docstrings, tones, write_wav
from minigrad.data.byte_pair import printable_bytes
from minigrad.data.tokenizer import BYTES
from minigrad.io import save
from tests.cli.helper import answer, command, error_line


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Trains a network for some steps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minigrad.cli.train.write_pictures", lambda *_: [])
    monkeypatch.setitem(DATA, "tones", DataEntry(lambda size: tones(size, samples=40), ""))
    few = tuple(ArrayDataset(*[array[:32] for array in part.arrays]) for part in docstrings(128))
    monkeypatch.setitem(DATA, "docstrings", DataEntry(lambda: few, ""))

    def train(name):
        assert command(f"train {name} --epochs 1 --batch-size 16 --threads 1 --out run") == 0

    return train


@pytest.mark.family
def test_sounds_are_told_apart_by_name(trained, capsys):
    trained("conv1d-tones")
    sound = tones(samples=20)[1].arrays[0][0, 0]
    write_wav("whole.wav", sound, 4000)
    write_wav("stereo.wav", [sound, sound], 4000)
    write_wav("short.wav", sound[:500], 4000)
    write_wav("long.wav", np.pad(sound, 300), 4000)
    found = {each["sound"]: each["classes"] for each in answer(capsys, "predict run . --top 10")["predictions"]}
    assert found.keys() == {"whole.wav", "stereo.wav", "short.wav", "long.wav"}
    assert all(len(classes) == 10 for classes in found.values())
    for other in ("stereo.wav", "long.wav"):
        for one, two in zip(found["whole.wav"], found[other], strict=True):
            assert one["class"] == two["class"]
            assert one["probability"] == pytest.approx(two["probability"], rel=1e-4)


def test_sounds_that_do_not_fit_are_told(trained, capsys):
    trained("conv1d-tones")
    write_wav("fast.wav", np.ones(10), 8000)
    assert command("predict run fast.wav") == 2
    assert "fast.wav has 8000 samples a second, and run was trained on 4000: convert it" in error_line(capsys)
    assert command("predict run nowhere.wav") == 2
    assert "nowhere.wav is no WAV file" in error_line(capsys)


def test_texts_go_on(trained, capsys):
    trained("gpt-small")
    line = "predict run 'The gradient' é --tokens 12"
    one, two = (answer(capsys, line)["predictions"] for _ in range(2))
    assert one == two
    for each, text in zip(one, ("The gradient", "é"), strict=True):
        assert each["text"] == text
        assert each["continued"].startswith(text)
        assert len(each["continued"]) > len(text)
    assert answer(capsys, f"{line} --seed 1")["predictions"] != one
    greedy = [answer(capsys, f"{line} --temperature 0 --seed {k}")["predictions"] for k in range(2)]
    assert greedy[0] == greedy[1] == answer(capsys, f"{line} --top-k 1")["predictions"]
    assert command("predict run hello --tokens 3 --top-p 0.5") == 0
    assert capsys.readouterr().out.startswith("hello")
    assert answer(capsys, "evaluate run")["loss"] < np.log(352)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("''", "continues texts of at least one character"),
        ("a --temperature -1", "--temperature: must be a number of at least 0, got '-1'"),
        ("a --top-p 2", "top_p must be in (0, 1], got 2.0"),
        ("a --tokenizer nowhere.json", "nowhere.json cannot be read as JSON"),
        ("a --tokenizer large.json", "the tokenizer has 1,256 tokens, and gpt-small knows 352"),
    ],
)
def test_errors_of_texts_are_told(trained, capsys, words, message):
    trained("gpt-small")
    CharacterTokenizer(map(chr, range(1000))).save("large.json")
    assert command(f"predict run {words}") == 2
    assert message in error_line(capsys)


def test_a_model_without_a_tokenizer_takes_gpt2s_files(capsys, monkeypatch, tmp_path):
    from dataclasses import replace

    from minigrad_models.gpt import GPT

    monkeypatch.chdir(tmp_path)
    entry = replace(MODELS["gpt2"], make=lambda: GPT(300, 16, 8, 1, 2), vocabulary=300, input_shape=(16,))
    monkeypatch.setitem(MODELS, "gpt2", entry)
    save("w.safetensors", entry.make().state_dict())
    tokens = BytePairTokenizer(BYTES).tokens
    write = printable_bytes()
    with open("vocab.json", "w", encoding="utf-8") as file:
        json.dump({write[token[0]]: k for k, token in enumerate(tokens)}, file)
    with open("merges.txt", "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n")
    assert command("predict gpt2 --weights w.safetensors hello") == 2
    assert "gpt2 has no tokenizer of its own: --tokenizer FOLDER" in error_line(capsys)
    (found,) = answer(capsys, "predict gpt2 --weights w.safetensors hello --tokenizer . --tokens 2")["predictions"]
    assert found["continued"].startswith("hello")


def test_models_of_tokens_are_summarized_and_drawn(capsys, tmp_path):
    assert answer(capsys, "summary gpt-small")["total"]["parameters"] == MODELS["gpt-small"].parameters
    assert answer(capsys, "summary gpt-small --input 2x9")["input"] == [2, 9]
    found = answer(capsys, f"graph gpt-small --depth 2 --repeats --input 1x8 -o {tmp_path / 'g.json'}")
    assert found["boxes"] < 30 < found["nodes"]

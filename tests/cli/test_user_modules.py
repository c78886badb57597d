"""The user's own `models.py`, `models/` and `net.py` work with the command, however minigrad is installed."""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("numpy", "threadpoolctl", "safetensors")  # all that these trainings need

WITHOUT_EXTRAS = """
import sys

sys.modules.update(dict.fromkeys(["matplotlib", "graphviz", "pygraphviz", "numba"]))  # slow, and tested elsewhere
"""

MODELS = """
import numpy as np
from minigrad import nn


class MyNet(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))


def images():
    part = np.zeros((8, 1, 32, 32), np.float32), np.arange(8)
    return part, part
"""


@dataclass(frozen=True)
class Installation:
    """A virtual environment with minigrad in it."""

    folder: Path

    def run(self, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the current directory."""
        program, *rest = map(str, words)
        path = sysconfig.get_path("scripts", "venv", {"base": str(self.folder)})
        return subprocess.run(
            [os.path.join(path, program), *rest], capture_output=True, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip

    def output(self, *words: object, **environment: str) -> str:
        """What a program prints, after checking that it succeeded and complained of nothing."""
        done = self.run(*words, **environment)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture(scope="module", params=["editable", "wheel"])
def installation(request, tmp_path_factory):
    """minigrad in a fresh virtual environment, which borrows all other packages from the one that runs the tests."""
    for package in ("hatchling", "editables"):
        if find_spec(package) is None:
            pytest.skip(f'building minigrad needs {package}: pip install -e ".[dev]"')
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    made = Installation(folder)
    borrowed = {Path(find_spec(package).origin).parents[1] for package in PACKAGES}
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    (site / "borrowed.pth").write_text("\n".join(map(str, borrowed)))
    (site / "sitecustomize.py").write_text(WITHOUT_EXTRAS)
    python = sysconfig.get_path("scripts", "venv", {"base": str(folder)})
    pip = [sys.executable, "-m", "pip", "--python", os.path.join(python, "python"), "--quiet"]
    what = ["--editable", ROOT] if request.param == "editable" else [_wheel(folder)]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *options, *what], check=True)
    return made


def _wheel(folder):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(autouse=True)
def _own_models():
    Path("models.py").write_text(MODELS)


def test_the_command_begins(installation):
    version = installation.output("minigrad", "--version")
    assert version == installation.output("python", "-m", "minigrad", "--version")
    assert version.startswith("minigrad ")


def test_a_model_of_models_py_is_trained_and_used_as_the_result_says(installation):
    printed = installation.output("minigrad", "train", "models:MyNet", "--data", "moons:samples=40", "--epochs", 1)
    lines = [line.strip() for line in printed.splitlines()]
    code = lines[lines.index("from models import MyNet") :]
    assert installation.output("python", "-c", "\n".join([*code, "print(type(model).__module__)"])) == "models\n"
    assert "test samples of moons" in installation.output("minigrad", "evaluate", "runs/MyNet")


def test_a_model_of_models_py_is_summed_up(installation):
    assert "MyNet" in installation.output("minigrad", "summary", "models:MyNet", "--input", "1x2")


@pytest.mark.parametrize("files", [["net.py"], ["net.py", "__init__.py"]], ids=["namespace", "package"])
def test_a_model_in_a_folder_models_is_found(installation, files):
    Path("models.py").unlink()
    Path("models").mkdir()
    for name in files:
        Path("models", name).write_text(MODELS if name == "net.py" else "")
    assert "MyNet" in installation.output("minigrad", "summary", "models.net:MyNet", "--input", "1x2")


def test_a_module_may_import_from_models_py(installation):
    Path("net.py").write_text("from models import MyNet\n\nclass Net(MyNet):\n    pass\n")
    assert "Net" in installation.output("minigrad", "summary", "net:Net", "--input", "1x2")


@pytest.mark.parametrize("start", [["python", "-m", "minigrad"], ["minigrad"]], ids=["python -m", "PYTHONPATH=."])
def test_a_network_of_ours_is_trained_beside_models_py_and_used_as_the_result_says(installation, start):
    path = {"PYTHONPATH": "."} if start == ["minigrad"] else {}
    options = ("--data", "models:images", "--epochs", 1)
    lines = [line.strip() for line in installation.output(*start, "train", "lenet5", *options, **path).splitlines()]
    code = lines[lines.index("import minigrad_models") :]
    assert "import models" not in lines
    assert installation.output("python", "-c", "\n".join([*code, "print(type(model).__name__)"]), **path) == "LeNet5\n"


def test_a_missing_models_py_is_told(installation):
    Path("models.py").unlink()
    done = installation.run("minigrad", "train", "models:MyNet")
    assert done.returncode == 2
    assert done.stderr.startswith("minigrad: error: there is no module models in ")


def test_type_checkers_find_the_networks_and_their_types(installation):
    pytest.importorskip("mypy")
    Path("use.py").write_text("import minigrad.nn, minigrad_models\n")
    python = os.path.join(sysconfig.get_path("scripts", "venv", {"base": str(installation.folder)}), "python")
    words = ["--python-executable", python, "--follow-imports", "skip", "use.py"]
    done = subprocess.run([sys.executable, "-m", "mypy", *words], capture_output=True, text=True)
    assert done.stdout == "Success: no issues found in 1 source file\n"

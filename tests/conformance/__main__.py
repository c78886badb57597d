"""Run the Array API standard's test suite from a copy of its repository.

git clone --recurse-submodules https://github.com/data-apis/array-api-tests
pip install -r array-api-tests/requirements.txt
python -m tests.conformance array-api-tests [--max-examples 5] [what else pytest takes]
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import minigrad
from tests.conformance.skips import SKIPS, read_skips


def main() -> int:
    """Copy the suite, which writes files beside itself, and run pytest on the copy."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a copy of the repository data-apis/array-api-tests")
    options, for_pytest = parser.parse_known_args()
    root = Path(minigrad.__file__).parents[1]
    with TemporaryDirectory() as folder:
        suite = Path(folder) / "suite"
        shutil.copytree(options.path, suite, ignore=shutil.ignore_patterns(".git"))
        skips = suite / "minigrad_skips.txt"
        skips.write_text("".join(f"{test}\n" for test in read_skips(SKIPS.read_text("utf-8"))), "utf-8")
        environment = os.environ | {
            "ARRAY_API_TESTS_MODULE": "minigrad",
            "ARRAY_API_TESTS_VERSION": minigrad.__array_api_version__,
            "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
        }
        tests = ["array_api_tests"] if not any("array_api_tests" in argument for argument in for_pytest) else []
        command = [
            sys.executable,
            "-m",
            "pytest",
            *tests,
            "--skips-file",
            str(skips),
            "--disable-deadline",
            *for_pytest,
        ]
        return subprocess.run(command, cwd=suite, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

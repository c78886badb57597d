"""The site: `python -m sphinx -W --keep-going -b html tutorials build/site`, then open build/site/index.html."""

import os
import sys
from pathlib import Path

import minigrad.typing

sys.path.insert(0, str(Path(__file__).parent))  # for _ext
os.environ["MPLBACKEND"] = "Agg"  # tutorials show stored pictures
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"  # -j runs several at a time

project = "minigrad"
author = copyright = "the minigrad developers"
release = version = minigrad.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    *(f"_ext.{name}" for name in ("api", "docstring", "generated", "mathml", "offline")),
]
exclude_patterns = ["_ext", "conf.py", "images"]

html_theme = "furo"
html_title = "minigrad"
html_static_path = ["_static"]
html_css_files = ["site.css"]
pygments_dark_style = "github-dark"
html_math_renderer = "mathml"
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

smartquotes = False  # code is quoted in the text
add_module_names = False
autodoc_typehints_format = "short"
autodoc_type_aliases = {name: name for name in minigrad.typing.__all__}
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3
nb_custom_formats = {".py": "_ext.tutorial.read"}
nb_execution_mode = "auto"
nb_execution_in_temp = True
nb_execution_timeout = -1
nb_execution_show_tb = True
nb_output_stderr = "remove"  # Graphviz speaks of fonts; warnings of Python are errors in the tests
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

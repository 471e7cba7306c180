"""Exit 0 if the installed torch needs CUDA libraries, that is, the pins of a ``-cuda.lock``.

PyPI's build for Linux does; its CPU build and the one for macOS do not.
"""

import sys
from importlib.metadata import requires

needs = any(line.startswith("nvidia") for line in requires("torch") or [])
sys.exit(0 if needs else 1)

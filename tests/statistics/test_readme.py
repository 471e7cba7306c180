"""The example of the package's README runs and prints what the text says."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "statistics" / "README.md"


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    calm, strange, week = done.stdout.splitlines()
    assert "times what your days vary by" in calm
    assert "rank 1 among 10 days" in strange
    assert week == "True"

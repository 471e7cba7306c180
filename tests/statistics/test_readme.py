"""The example of the package's README runs and prints what the text says."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "statistics" / "README.md"


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(compile(example, README, "exec"), {"__name__": "__main__"})
    calm, strange, week = capsys.readouterr().out.splitlines()
    assert "times what your days vary by" in calm
    assert "rank 1 among 10 days" in strange
    assert week == "True"

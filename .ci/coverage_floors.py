"""Compare the measured coverage of each room with its floor in ``coverage_floors.toml``."""

import io
import sys
import tomllib
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import NoDataError

HERE = Path(__file__).parent
REPOSITORY = HERE.parent


def rooms() -> list[str]:
    """Every folder that holds a ``src``."""
    sources = [*REPOSITORY.glob("*/src"), *REPOSITORY.glob("services/*/src")]
    return sorted(str(source.parent.relative_to(REPOSITORY)) for source in sources)


def covered(measured: Coverage, room: str) -> float:
    """Per cent of its lines and branches."""
    try:
        return measured.report(include=[f"{REPOSITORY}/{room}/src/*"], file=io.StringIO())
    except NoDataError:
        return 0.0


def main() -> int:
    """Print a line a room; 1 where a room is below its floor or has none."""
    floors = tomllib.loads((HERE / "coverage_floors.toml").read_text())
    measured = Coverage()
    measured.load()
    below = 0
    for room in rooms():
        percent, floor = covered(measured, room), floors.get(room, 100)
        below += percent < floor
        remark = "BELOW ITS FLOOR" if percent < floor else ""
        sys.stdout.write(f"{room:20} {percent:6.1f} %   floor {floor} %   {remark}\n")
    return int(below > 0)


if __name__ == "__main__":
    sys.exit(main())

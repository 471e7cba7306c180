"""How fast the simulator renders on one core: `python benchmarks/simulator.py [size] [count]`."""

import statistics
import sys
import time

import cv2

from mycovigil_simulator.camera import REFERENCE_CAMERAS
from mycovigil_simulator.photo import render
from mycovigil_simulator.species import SPECIES


def main() -> None:
    """Render every species in turn on one thread; print images a CPU second."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 128
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 640
    cv2.setNumThreads(1)
    for seed in range(4 * len(SPECIES)):  # textures and floors are made once for each process
        render(SPECIES[seed % len(SPECIES)], seed=seed, size=size, camera=REFERENCE_CAMERAS[0])
    times = []
    start = time.process_time()
    for seed in range(count):
        began = time.process_time()
        render(
            SPECIES[seed % len(SPECIES)], seed=seed, size=size, camera=REFERENCE_CAMERAS[seed % 3]
        )
        times.append(time.process_time() - began)
    rate = count / (time.process_time() - start)
    print(f"{count} photos at {size} px: {rate:.1f} images a core second")
    print(f"median {1000 * statistics.median(times):.1f} ms, slowest {1000 * max(times):.1f} ms")


if __name__ == "__main__":
    main()

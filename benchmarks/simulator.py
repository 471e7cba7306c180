"""How fast the simulator renders on one core: `python benchmarks/simulator.py [size] [count]`."""

import statistics
import sys
import time

import cv2

from mycovigil_simulator.camera import REFERENCE_CAMERAS
from mycovigil_simulator.photo import render
from mycovigil_simulator.species import SPECIES

BLOCK = 2 * len(SPECIES)


def main() -> None:
    """Render every species in turn on one thread; print images a CPU second.

    On a shared machine the neighbours slow every core: the best block is the quiet machine.
    """
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 128
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 640
    cv2.setNumThreads(1)
    for seed in range(4 * len(SPECIES)):  # textures and floors are made once for each process
        render(SPECIES[seed % len(SPECIES)], seed=seed, size=size, camera=REFERENCE_CAMERAS[0])
    times = []
    for seed in range(count):
        began = time.process_time()
        camera = REFERENCE_CAMERAS[seed % len(REFERENCE_CAMERAS)]
        render(SPECIES[seed % len(SPECIES)], seed=seed, size=size, camera=camera)
        times.append(time.process_time() - began)
    blocks = [sum(times[at : at + BLOCK]) for at in range(0, count - BLOCK + 1, BLOCK)]
    print(f"{count} photos at {size} px: {count / sum(times):.1f} images a core second", end="")
    print(f", best block of {BLOCK} {BLOCK / min(blocks):.1f}" if blocks else "")
    print(f"median {1000 * statistics.median(times):.1f} ms, slowest {1000 * max(times):.1f} ms")


if __name__ == "__main__":
    main()

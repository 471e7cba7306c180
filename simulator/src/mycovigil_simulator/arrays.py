"""The array types of this room."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]
Index = NDArray[np.integer[Any]]

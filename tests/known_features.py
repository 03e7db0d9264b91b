"""Features of which tests/golden/distances.json has the distances: torch-fidelity and the tests make the same ones."""

import numpy as np


def fakes_and_reals() -> tuple[np.ndarray, np.ndarray]:
    """float32 [500, 16] and [600, 16], two normal distributions that overlap in part."""
    random = np.random.RandomState(0)
    reals = random.standard_normal((600, 16))
    return np.float32(0.7 * random.standard_normal((500, 16)) + 0.4), np.float32(reals)

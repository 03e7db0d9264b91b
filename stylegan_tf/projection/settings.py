"""How pictures are projected, and how that changes from step to step (Karras et al. 2020, arXiv 1912.04958, app. D)."""

import math
from dataclasses import dataclass

SPACES = ("w", "w+", "wn")  # a w; a w for each layer; a w and the noise maps
# The paper's numbers are for 1000 steps; here they are shares of however many there are.
RAMP_UP, RAMP_DOWN = 0.05, 0.25  # the first and the last steps, in which the learning rate rises and falls
NOISY = 0.75  # the first steps, in which noise is added to w


@dataclass(frozen=True)
class Settings:
    """The defaults are the paper's, but for w_noise, which goes by other axes here (projector.py)."""

    space: str = "wn"
    steps: int = 1000
    seed: int = 0
    learning_rate: float = 0.1
    w_noise: float = 0.005  # of each standard deviation of w that is added to it at first
    noise_weight: float = 1e5  # of the correlation of the noise maps
    pixel_weight: float = 0.0  # of the mean squared difference of pixels, in -1..1


def learning_rate(settings: Settings, step: int) -> float:
    """Linear from 0, then constant, at the end half a cosine down to 0. step: 0 .. steps - 1."""
    done = step / settings.steps
    falling = min(1.0, (1 - done) / RAMP_DOWN)
    return settings.learning_rate * min(1.0, done / RAMP_UP) * (0.5 - 0.5 * math.cos(math.pi * falling))


def w_noise(settings: Settings, step: int) -> float:
    """The noise on w, in its standard deviations: w_noise t^2, t from 1 to 0."""
    return settings.w_noise * max(0.0, 1 - step / settings.steps / NOISY) ** 2

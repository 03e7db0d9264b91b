"""A face: its 40 attributes and its identity, the continuous traits that an attribute leaves alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType

import numpy as np

from stylegan_tf.data.faces.attributes import ATTRIBUTES, sample
from stylegan_tf.errors import UserError


def _between(low: float, high: float) -> float:
    return field(metadata={"range": (low, high)})


@dataclass(frozen=True, slots=True)
class Traits:
    """The continuous traits of one identity, each uniform within its range.

    Lengths are in hundredths of the picture's side.
    """

    shift_x: float = _between(-2.0, 2.0)
    shift_y: float = _between(-1.5, 1.5)
    tilt: float = _between(-6.0, 6.0)  # degrees
    scale: float = _between(1.06, 1.15)
    turn: float = _between(-1.8, 1.8)  # how far the features slide to one side
    skin: float = _between(0.0, 1.0)  # light to deep
    warmth: float = _between(-1.0, 1.0)
    width: float = _between(-1.0, 1.0)
    jaw: float = _between(-1.0, 1.0)
    chin: float = _between(-1.0, 1.0)
    eye_gap: float = _between(-0.6, 0.6)
    eye_size: float = _between(0.93, 1.07)
    eye_slant: float = _between(-0.5, 0.5)
    iris: float = _between(0.0, 1.0)  # which colour
    brow_height: float = _between(-0.6, 0.6)
    nose_size: float = _between(0.9, 1.1)
    mouth_width: float = _between(-0.7, 0.7)
    mouth_height: float = _between(-0.5, 0.5)
    lopsided: float = _between(-1.0, 1.0)  # which way an asymmetric face leans
    hair_dye: float = _between(0.0, 1.0)  # which colour, where no attribute names it
    hair_shade: float = _between(0.9, 1.1)
    hair_volume: float = _between(0.0, 1.0)
    short_cut: float = _between(0.0, 1.0)  # which short hair
    long_cut: float = _between(0.0, 1.0)  # which long hair
    parting: float = _between(-1.0, 1.0)
    backdrop: float = _between(0.0, 1.0)  # which colour
    backdrop_drift: float = _between(-0.10, 0.10)  # the far corner, relative
    backdrop_depth: float = _between(0.0, 1.0)
    clothes: float = _between(0.0, 1.0)  # which colour
    clothes_value: float = _between(0.0, 1.0)
    neckline: float = _between(0.0, 1.0)  # which
    hat: float = _between(0.0, 1.0)  # which
    hat_colour: float = _between(0.0, 1.0)  # which
    glasses: float = _between(0.0, 1.0)  # which
    jewel: float = _between(0.0, 1.0)  # which metal or stone
    lipstick: float = _between(0.0, 1.0)  # which
    shadow: float = _between(0.0, 1.0)  # which eye shadow


# Trait -> its lowest and highest value.
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {each.name: each.metadata["range"] for each in fields(Traits)}
)
_LOW = np.array([low for low, _ in RANGES.values()])
_SPAN = np.array([high - low for low, high in RANGES.values()])


@dataclass(frozen=True, slots=True)
class Face:
    """`attributes`: name -> bool, all 40, in the order of `ATTRIBUTES`. `traits`: the identity."""

    attributes: Mapping[str, bool]
    traits: Traits

    def flipped(self, name: str) -> "Face":
        """The same identity with one attribute the other way round; the rest stays, contradictions included."""
        if name not in self.attributes:
            raise UserError(f"no attribute is called {name!r}; the 40 are {', '.join(ATTRIBUTES)}")
        return replace(self, attributes=MappingProxyType({**self.attributes, name: not self.attributes[name]}))

    def labels(self) -> np.ndarray:
        """The attributes as bool `[40]`."""
        return np.fromiter(self.attributes.values(), bool, len(self.attributes))


def face(seed: int, index: int) -> Face:
    """Face number `index` (>= 0) of the endless series `seed` (>= 0): a pure function of the two numbers.

    Attributes and traits come from two separate streams of random numbers.
    """
    if seed < 0 or index < 0:
        raise UserError(f"the seed and the index of a face must be 0 or more, not seed {seed} and index {index}")
    attributes = sample(np.random.Generator(np.random.PCG64([seed, index, 0])))
    numbers = np.random.Generator(np.random.PCG64([seed, index, 1])).random(len(RANGES))
    return Face(MappingProxyType(attributes), Traits(*(_LOW + _SPAN * numbers).tolist()))

"""StyleGAN (Karras, Laine, Aila 2019, arXiv 1812.04948) in Keras 3 and TensorFlow 2.

    nets = stylegan_tf.load("results/00000-...")
    images = nets.Gs(z, psi=0.7)
    pixels = stylegan_tf.to_uint8(images)

Names are imported when they are first used, so that programs answer --help without TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stylegan_tf import environment

if TYPE_CHECKING:
    from stylegan_tf.configs.presets import CONFIGS
    from stylegan_tf.devices import full_float32
    from stylegan_tf.networks.sampling import random_noise, to_uint8
    from stylegan_tf.weights.load import load

environment.prepare()

__version__ = "0.1.0"
__all__ = ["CONFIGS", "full_float32", "load", "random_noise", "to_uint8"]
_HOMES = {
    "CONFIGS": "stylegan_tf.configs.presets",
    "full_float32": "stylegan_tf.devices",
    "load": "stylegan_tf.weights.load",
    "random_noise": "stylegan_tf.networks.sampling",
    "to_uint8": "stylegan_tf.networks.sampling",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

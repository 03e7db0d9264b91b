"""What TensorFlow reads from the environment while it starts. The only file that sets it; what the user set stays."""

import os

DEFAULTS = {
    # oneDNN's convolutions, which TensorFlow leaves off on CPUs without AVX-512: up to twice as fast there.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",  # errors, not greetings
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # a GPU is shared with whatever else runs there
}


def prepare() -> None:
    """Sets what is not set. Importing stylegan_tf calls it; after TensorFlow has been imported it has no effect."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)

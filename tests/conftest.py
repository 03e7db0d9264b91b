"""What every test runs in: two virtual CPUs, op determinism, no GPU unless CUDA_VISIBLE_DEVICES names one.

TensorFlow is touched only if the tests that were collected have imported it, so that the others start at once.
"""

import os
import random
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import early
import numpy as np
import pytest


def pytest_collection_finish(session):
    """Before the first test and after the last import: virtual CPUs cannot be made once TensorFlow has started.

    Before them the processes that tests wait for, which have the mark `early`.
    """
    if not session.config.option.collectonly:
        line = dict.fromkeys(mark.args[0] for item in session.items for mark in item.iter_markers("early"))
        session.config.add_cleanup(early.begin(line))
    if "tensorflow" not in sys.modules:
        return
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    except RuntimeError:
        raise pytest.UsageError("a test module makes a tensor while it is imported: make it in a test") from None
    tf.config.experimental.enable_op_determinism()
    tf.random.set_seed(0)  # once: Keras's loading of a file draws numbers, which determinism refuses without a seed


@pytest.fixture(autouse=True)
def seeded():
    """The same random numbers for every test, in whatever order they run.

    Not by keras.utils.set_random_seed, which makes TensorFlow forget what it has compiled: networks have seeds anyway.
    """
    random.seed(0)
    np.random.seed(0)


TINY = {"resolution": 16, "fmap_base": 32, "fmap_max": 8}


@pytest.fixture(scope="session")
def tiny_G():
    """A generator of 16x16 pictures, 8 channels wide. Tests leave its weights as they are."""
    from stylegan_tf.networks.generator import Generator

    return Generator(**TINY, z_dim=8, w_dim=8, mapping_layers=2, mapping_fmaps=8)


@pytest.fixture(scope="session")
def tiny_D():
    """The discriminator beside it."""
    from stylegan_tf.networks.discriminator import Discriminator

    return Discriminator(**TINY)


@pytest.fixture
def two_classifiers(monkeypatch):
    """Of the forty that come along, whose graphs take their time."""
    from stylegan_tf.weights import faces_bundle

    whole = faces_bundle.classifiers()
    monkeypatch.setattr(faces_bundle, "classifiers", lambda: whole._replace(networks=whole.networks[:2]))

"""The network that comes along: its own pictures are found again, and others of its kind are nearly found."""

import numpy as np
import pytest

from stylegan_tf.data.faces.create import faces
from stylegan_tf.networks.sampling import latents
from stylegan_tf.ops.pixels import to_uint8
from stylegan_tf.projection.projector import Projector, w_statistics
from stylegan_tf.projection.settings import Settings
from stylegan_tf.weights import faces_bundle, load

SEEDS = range(20)


@pytest.fixture(scope="module")
def Gs():
    return load.load(load.SHIPPED).Gs


def projected(Gs, pixels, settings):
    """(w [n, w_dim], how many times nearer than the average picture [n])."""
    projector = Projector(Gs, faces_bundle.features().network.embedding, settings, len(pixels))
    projector.start(pixels, [w_statistics(Gs, settings.seed)] * len(pixels))
    before = projector.found()[1].distance
    for step in range(settings.steps):
        projector.step(step)
    return projector.ws()[:, 0], before / projector.found()[1].distance


@pytest.mark.slow
@pytest.mark.parametrize("space", ["w", "wn"])
def test_own_pictures_are_found_again(Gs, space):
    true = np.asarray(Gs.mapping(latents(SEEDS, Gs.z_dim)))
    pixels = np.asarray(to_uint8(Gs.synthesis(Gs.broadcast(true))))
    mean = w_statistics(Gs, 0).mean
    found = {steps: projected(Gs, pixels, Settings(space, steps=steps)) for steps in (50, 1000)}
    for steps, (ws, times) in found.items():
        alike, turned = (
            [np.corrcoef(one - origin, w - origin)[0, 1] for one, w in zip(ws, true, strict=True)]
            for origin in (0, mean)
        )
        print(f"{space}, {steps} steps: {np.median(times):.1f} times nearer, {times.min():.1f} at least; ", end="")
        for what, correlations in (("w", alike), ("w - mean", turned)):
            print(
                f"correlation of {what}: mean {np.mean(correlations):.3f}, median {np.median(correlations):.3f}, ",
                end="",
            )
            print(f"{np.min(correlations):.3f} at least; ", end="")
        print()
    # Some pictures are found by another w, which makes nearly the same one.
    assert times.min() > 10 and np.mean(alike) > 0.9 and np.median(turned) > 0.9
    assert np.median(found[50][1]) < np.median(times)


@pytest.mark.slow
@pytest.mark.parametrize("space", ["w+", "wn"])
def test_faces_that_were_never_trained_on(Gs, space):
    pixels = np.stack([picture for picture, _ in faces(8, Gs.resolution, seed=2)])
    _, times = projected(Gs, pixels, Settings(space))
    print(f"{space}: {np.median(times):.1f} times nearer, {times.min():.1f} at least")
    assert times.min() > 3

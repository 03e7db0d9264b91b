"""An experiment that takes its networks from a file: architecture from there, pictures and training from here."""

from dataclasses import replace

import pytest

from stylegan_tf.configs.check import validate
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.configs.start import Start, changes, started_from
from stylegan_tf.errors import UserError

G = GeneratorConfig(resolution=256, label_size=5, num_channels=1, z_dim=32, w_dim=32, fmap_base=1024, fmap_max=64)
D = DiscriminatorConfig(resolution=256, label_size=5, num_channels=1, fmap_base=1024, fmap_max=64, mbstd_group_size=8)
FACES = experiment("F", "1gpu", resolution=1024)


def test_networks_of_the_file_for_the_pictures_here() -> None:
    chosen = validate(started_from(FACES, Start("faces.pkl", G, D, 256)))
    assert replace(G, resolution=1024, label_size=0, num_channels=3) == chosen.G
    assert replace(D, resolution=1024, label_size=0, num_channels=3) == chosen.D
    assert chosen.schedule == replace(FACES.schedule, initial_resolution=256)
    assert chosen.training == replace(FACES.training, init_from="faces.pkl")
    assert (chosen.data, chosen.loss, chosen.config) == (FACES.data, FACES.loss, "F")


@pytest.mark.parametrize(("reached", "first"), [(8, 8), (64, 64), (1024, 64)])
def test_growing_begins_where_the_file_ended(reached: int, first: int) -> None:
    chosen = started_from(experiment("F", "1gpu", resolution=64), Start("f", G, D, reached))
    assert (chosen.schedule.initial_resolution, chosen.G.resolution) == (first, 64)


def test_without_a_discriminator_it_is_as_wide_as_the_generator() -> None:
    chosen = started_from(FACES, Start("Gs.keras", G, None, 256))
    assert replace(FACES.D, fmap_base=1024, fmap_max=64) == chosen.D


def test_what_differs_from_the_config_is_said() -> None:
    lines = changes(FACES, Start("faces.pkl", replace(G, use_noise=False), D, 256))
    assert "G.z_dim=32, as in faces.pkl (config F: 512)" in lines
    assert "G.use_noise=False, as in faces.pkl (config F: True)" in lines
    assert "D.mbstd_group_size=8, as in faces.pkl (config F: 4)" in lines
    assert not any("resolution" in line for line in lines)
    assert changes(FACES, Start("same", FACES.G, FACES.D, 1024)) == []


def test_mistakes() -> None:
    with pytest.raises(UserError, match="--init_from=D.keras holds no generator to start from"):
        started_from(FACES, Start("D.keras", None, D, 256))
    progan = Start("a.pkl", ProganGeneratorConfig(), ProganDiscriminatorConfig(), 1024)
    with pytest.raises(
        UserError, match=r"a.pkl holds a Progressive GAN \(config A\), and config F trains a style-based"
    ):
        started_from(FACES, progan)
    with pytest.raises(UserError, match="holds a style-based generator, and config A trains a Progressive GAN"):
        started_from(experiment("A", "1gpu"), Start("f.pkl", G, D, 256))
    assert started_from(experiment("A", "1gpu"), progan).G == experiment("A", "1gpu", resolution=256).G

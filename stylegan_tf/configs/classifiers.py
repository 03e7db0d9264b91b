"""How attribute classifiers are trained: the paper's numbers for a GPU, and a short training on a CPU."""

from dataclasses import dataclass, replace

from stylegan_tf.configs.schema import ProganDiscriminatorConfig
from stylegan_tf.errors import UserError

RESOLUTION = 256  # of the published classifiers
LOWEST = 8  # the discriminator of Progressive GAN has two blocks at least


@dataclass(frozen=True)
class Recipe:
    """Everything that the weights of a classifier depend on, apart from the data.

    The learning rate is constant up to `decay_from` of the training and then falls linearly to nothing.
    """

    hardware: str
    resolution: int
    fmap_base: int
    fmap_max: int
    minibatch: int
    learning_rate: float  # of Adam
    decay_from: float  # share of the training, 0 to 1
    total_kimg: float
    precision: str = "float32"
    held_out: float = 0.1  # share of the pictures that are not trained on
    seed: int = 1000

    def network(self, num_channels: int) -> ProganDiscriminatorConfig:
        """The classifier: Progressive GAN's discriminator without the deviation over the minibatch."""
        return ProganDiscriminatorConfig(
            resolution=self.resolution,
            num_channels=num_channels,
            fmap_base=self.fmap_base,
            fmap_max=self.fmap_max,
            mbstd_group_size=0,
        )


PAPER = Recipe(
    hardware="1gpu",
    resolution=RESOLUTION,
    fmap_base=8192,
    fmap_max=512,
    minibatch=8,
    learning_rate=0.001,
    decay_from=1.0,
    total_kimg=150,
)
# 16 channels and 20,000 weights tell the attributes of the built-in faces at 32x32. With a minibatch of 64 a learning
# rate of 0.001 ends at an accuracy of 0.92 for narrow eyes, 0.003 at 0.97, and 0.008 at 0.99. bfloat16 is a tenth
# faster than float32 where the processor has it, and several times slower where it has not.
CPU = replace(
    PAPER,
    hardware="cpu",
    resolution=32,
    fmap_base=256,
    fmap_max=16,
    minibatch=64,
    learning_rate=0.008,
    decay_from=0.3,
)
RECIPES = {recipe.hardware: recipe for recipe in (CPU, PAPER)}


def recipe(
    hardware: str,
    data_resolution: int,
    resolution: int | None = None,
    total_kimg: float | None = None,
    seed: int | None = None,
) -> Recipe:
    """The recipe of a hardware row for pictures of data_resolution x data_resolution. None: as the row says.

    Raises UserError for what cannot be trained.
    """
    if hardware not in RECIPES:
        raise UserError(f"--hardware={hardware}: choose from auto, {', '.join(RECIPES)}")
    chosen = RECIPES[hardware]
    side = min(chosen.resolution, data_resolution) if resolution is None else resolution
    if side < LOWEST or side & (side - 1):
        raise UserError(f"the resolution must be a power of two, {LOWEST} at least, not {side}")
    if total_kimg is not None and not 0 < total_kimg < 1e9:
        raise UserError(f"--total_kimg={total_kimg:g}: expected more than 0")
    if seed is not None and not 0 <= seed < 2**31:
        raise UserError(f"--seed={seed}: expected 0 to {2**31 - 1}")
    return replace(
        chosen,
        resolution=side,
        total_kimg=chosen.total_kimg if total_kimg is None else total_kimg,
        seed=chosen.seed if seed is None else seed,
    )

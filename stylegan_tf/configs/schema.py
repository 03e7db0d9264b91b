"""What an experiment is: frozen dataclasses, and their way to JSON and back.

One `Experiment` holds everything that decides the numbers. It is printed by `train.py --dry_run`, saved as config.json
in the run directory and compared when a run is resumed. Field names follow the official keyword arguments, except
where README's glossary says otherwise (z_dim, w_dim).
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from stylegan_tf.configs.fused_scale import EXPECTED, MEASURED, is_valid
from stylegan_tf.configs.options import option

NONLINEARITIES = ("lrelu", "relu")
WIDEST = 2**16  # channels


def _fused_scale(default: str) -> Any:
    doc = "how scaled convolutions are computed: auto | on | off | 16,32 | measured; see configs.fused_scale"
    return option(default, doc, valid=is_valid, expected=EXPECTED, undecided=MEASURED)


@dataclass(frozen=True)
class NetworkConfig:
    """What all networks have. These dataclasses are the arguments of the networks' classes, in networks/."""

    resolution: int = option(1024, "of the final pictures", low=8, power_of_two=True)
    num_channels: int = option(3, "of the pictures", low=1, high=1024)
    label_size: int = option(0, "length of the one-hot labels; 0: unconditional", low=0, high=2**20)
    fmap_base: int = option(8192, "width at 2x2, before fmap_max limits it; see width", low=1, high=2**30)
    fmap_decay: float = option(1.0, "log2 of the factor from a width to the next finer one", low=0, high=16)
    fmap_max: int = option(512, "the largest width", low=1, high=WIDEST)
    use_wscale: bool = option(True, "equalized learning rate")
    fused_scale: str = _fused_scale("auto")

    def width(self, stage: int) -> int:
        """Channels at 2^stage: min(fmap_base / 2^((stage - 1) fmap_decay), fmap_max), cut to an int (official nf).

        Stage 1 is the discriminator's last hidden layer.
        """
        return min(int(self.fmap_base / 2.0 ** ((stage - 1) * self.fmap_decay)), self.fmap_max)

    def conflicts(self, at: str) -> list[tuple[str, str]]:
        """(sentence, "field=value", which mends it) of what fields in their ranges make impossible together.

        at: What stands before the names of fields in sentences, "G." or nothing.
        """
        last = self.resolution.bit_length() - 1
        if self.width(last) < 1:
            least = math.ceil(2.0 ** ((last - 1) * self.fmap_decay))
            sentence = f"{at}fmap_base={self.fmap_base} leaves layers without channels"
            return [(sentence, f"fmap_base={least}")]
        return []


@dataclass(frozen=True)
class GeneratorConfig(NetworkConfig):
    """The style-based generator, networks.generator.Generator (official G_style, G_mapping, G_synthesis)."""

    z_dim: int = option(512, "length of z (latent_size)", low=1, high=WIDEST)
    w_dim: int = option(512, "length of w (dlatent_size)", low=1, high=2 * WIDEST)
    mapping_layers: int = option(8, "of the mapping network; 0: w is the normalised z", low=0, high=64)
    mapping_fmaps: int = option(512, "width of the mapping network's hidden layers", low=1, high=WIDEST)
    mapping_lrmul: float = option(0.01, "learning-rate multiplier of the mapping network", above=0, high=1e6)
    mapping_nonlinearity: str = option("lrelu", "of the mapping network", choices=NONLINEARITIES)
    normalize_latents: bool = option(True, "pixel norm of z, and of the embedded label beside it")
    use_styles: bool = option(True, "AdaIN after every layer; false: w enters at the input alone, if that is no const")
    const_input_layer: bool = option(True, "a learned 4x4 input; false: a dense layer of w (the traditional input)")
    use_noise: bool = option(True, "noise after every convolution")
    use_pixel_norm: bool = option(False, "pixel norm after every non-linearity of the synthesis network")
    use_instance_norm: bool = option(True, "instance norm before every style")
    nonlinearity: str = option("lrelu", "of the synthesis network", choices=NONLINEARITIES)
    blur: bool = option(True, "blur after upscaling")

    def conflicts(self, at: str) -> list[tuple[str, str]]:
        found = super().conflicts(at)
        w_dim = self.z_dim * (2 if self.label_size else 1)
        if self.mapping_layers == 0 and self.w_dim != w_dim:
            why = f"twice {at}z_dim, as z is joined by the label" if self.label_size else f"{at}z_dim"
            sentence = f"with {at}mapping_layers=0, w is z: {at}w_dim must be {w_dim} ({why}), not {self.w_dim}"
            found.append((sentence, f"w_dim={w_dim}"))
        return found


@dataclass(frozen=True)
class DiscriminatorConfig(NetworkConfig):
    """The discriminator of configs B to F, networks.discriminator.Discriminator (official D_basic)."""

    nonlinearity: str = option("lrelu", "after every layer", choices=NONLINEARITIES)
    blur: bool = option(True, "blur before downscaling")
    mbstd_group_size: int = option(4, "samples that share a minibatch deviation; 0, 1: none", low=0, high=WIDEST)
    mbstd_num_features: int = option(1, "maps that the minibatch deviation appends", low=1, high=WIDEST)

    def conflicts(self, at: str) -> list[tuple[str, str]]:
        found, name = super().conflicts(at), "mbstd_num_features"
        if not found and self.mbstd_group_size > 1 and self.width(2) % self.mbstd_num_features:
            sentence = f"{at}{name}={self.mbstd_num_features} must divide the {self.width(2)} channels at 4x4"
            found.append((sentence, f"{name}=1"))
        return found


@dataclass(frozen=True)
class ProganGeneratorConfig(NetworkConfig):
    """Config A's generator, networks.progan.ProganGenerator (official G_paper). Labels stand beside z as they are."""

    fused_scale: str = _fused_scale("on")
    z_dim: int = option(512, "length of z", low=1, high=WIDEST)
    normalize_latents: bool = option(True, "pixel norm of z, and of the label beside it")
    use_pixelnorm: bool = option(True, "pixel norm after every non-linearity")
    pixelnorm_epsilon: float = option(1e-8, "of every pixel norm, that of the latents included", above=0, high=1)
    use_leakyrelu: bool = option(True, "false: ReLU")


@dataclass(frozen=True)
class ProganDiscriminatorConfig(NetworkConfig):
    """Config A's discriminator, networks.progan.ProganDiscriminator (official D_paper). It does not use its labels."""

    fused_scale: str = _fused_scale("on")
    downscale_last: bool = option(False, "2x2 means after bias and non-linearity (official fused_scale=False)")
    mbstd_group_size: int = option(4, "samples that share a minibatch deviation; 0, 1: none", low=0, high=WIDEST)


G_LOSSES = ("logistic_nonsaturating", "logistic_saturating", "wgan")
D_LOSSES = ("logistic", "wgan", "hinge")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
GRID = r"1080p|4k|[1-9]\d{0,2}x[1-9]\d{0,2}"


@dataclass(frozen=True)
class LossConfig:
    """Which losses and penalties, and their weights."""

    G: str = option(G_LOSSES[0], "of the generator; wgan also for hinge", choices=G_LOSSES)
    D: str = option(D_LOSSES[0], "of the discriminator", choices=D_LOSSES)
    r1_gamma: float = option(10.0, "weight of R1", low=0)
    r2_gamma: float = option(0.0, "weight of R2", low=0)
    gp_weight: float = option(0.0, "of WGAN-GP, official wgan_lambda", low=0)
    gp_target: float = option(1.0, "official wgan_target", low=0)
    drift_weight: float = option(0.0, "official wgan_epsilon", low=0)


@dataclass(frozen=True)
class ScheduleConfig:
    """Arguments of training.schedule.phase (official training_schedule). Tables map a resolution to a value."""

    initial_resolution: int = 8  # lod_initial_resolution
    lod_training_kimg: float = option(600, "thousands of pictures at a resolution before the next fades in", low=0)
    lod_transition_kimg: float = option(600, "thousands of pictures of a fade; both 0: no growing", low=0)
    minibatch_base: int = option(4, "where `minibatch` says nothing", low=1)
    minibatch: dict[int, int] = option({}, "all GPUs together", above=0)
    max_minibatch_per_gpu: dict[int, int] = option({}, "limits the minibatch", above=0)
    G_lrate_base: float = option(0.001, "where `G_lrate` says nothing", above=0)
    G_lrate: dict[int, float] = option({}, "learning rate of G", above=0)
    D_lrate_base: float = option(0.001, "where `D_lrate` says nothing", above=0)
    D_lrate: dict[int, float] = option({}, "learning rate of D", above=0)
    lrate_rampup_kimg: float = option(0, "thousands of pictures until the learning rates are reached", low=0)
    tick_kimg_base: float = option(160, "where `tick_kimg` says nothing", above=0)
    tick_kimg: dict[int, float] = option(
        {4: 160, 8: 140, 16: 120, 32: 100, 64: 80, 128: 60, 256: 40, 512: 30, 1024: 20},
        "thousands of pictures of a tick",
        above=0,
    )


@dataclass(frozen=True)
class DataConfig:
    """Which pictures."""

    directory: str = ""  # of TFRecords; "": the built-in faces
    resolution: int = 1024  # that is trained; the data set's own, or one of its smaller levels
    mirror: bool = False  # each picture left-right with probability 1/2
    crop: str = ""  # "x,y,width,height" of what is not black bars, at `resolution`; "": all of the picture
    max_label_size: int | None = option(0, "columns of the label file to use; 0: none, None: all", low=0)
    num_faces: int = option(20000, "pictures to draw where the built-in faces are used", low=1)


BATCH_GPU = "all, a number of pictures such as 8, auto (as many as there is memory for)"


def _is_batch_gpu(text: str) -> bool:
    return re.fullmatch(r"all|auto|[1-9]\d{0,5}", text) is not None


@dataclass(frozen=True)
class TrainingConfig:
    """The loop (official training_loop)."""

    total_kimg: float = option(25000, "thousands of pictures to show", above=0)
    seed: int = option(1000, "of everything random", low=0)
    num_gpus: int = option(1, "of the official hardware row: parts of a minibatch with a mixing cutoff each", low=1)
    minibatch_repeats: int = option(4, "minibatches between two looks at the schedule", low=1)
    D_repeats: int = option(1, "steps of D for one of G", low=1)
    r1_interval: int = option(1, "D steps from one R1 and R2 penalty to the next (StyleGAN2 app. B)", low=1)
    ema_half_life_kimg: float = option(10.0, "G_smoothing_kimg; 0: Gs = G", low=0)
    style_mixing_prob: float = option(0.9, "probability that a picture has two styles", low=0, high=1)
    w_avg_beta: float = option(0.995, "dlatent_avg_beta", low=0, high=1)
    reset_optimizer: bool = True  # reset_opt_for_new_lod
    adam_beta1: float = option(0.0, "of Adam", low=0, high=1)
    adam_beta2: float = option(0.99, "of Adam", low=0, high=1)
    adam_epsilon: float = option(1e-8, "of Adam", above=0)
    precision: str = option("float32", "auto: the faster of the next two, measured", choices=PRECISIONS)
    tf32: bool = False
    deterministic: bool | None = None  # the same bits on every run; none: on CPUs, where it costs nothing
    xla: bool = False  # compile the gradients of a step with XLA
    batch_gpu: str = option("all", "most pictures at once on a device", valid=_is_batch_gpu, expected=BATCH_GPU)
    recompute: bool = False  # activations of blocks in the backward pass, instead of keeping them
    init_from: str = ""  # network that the weights are taken from, as the user named it; "": random ones


def _is_grid(text: str) -> bool:
    return re.fullmatch(GRID, text) is not None


@dataclass(frozen=True)
class OutputConfig:
    """What is written while training. Nothing here changes the weights."""

    outdir: str = "results"
    grid: str = option("4k", "size of the grids", valid=_is_grid, expected="1080p, 4k, columns x rows such as 8x8")
    image_ticks: int = option(1, "ticks between two grids of fakes", low=1)
    snapshot_ticks: int = option(10, "ticks between two snapshots of the networks", low=1)
    checkpoint_minutes: float = option(5.0, "from one checkpoint to the next", above=0)
    metrics: str = ""  # names with commas, such as fid5k@faces, computed while training
    metric_ticks: int = option(10, "ticks between two evaluations", low=1)


@dataclass(frozen=True)
class Experiment:
    """One run, whole."""

    config: str = "F"  # the preset it started from
    hardware: str = "1gpu"  # the hardware row
    data: DataConfig = field(default_factory=DataConfig)
    G: GeneratorConfig | ProganGeneratorConfig = field(default_factory=GeneratorConfig)
    D: DiscriminatorConfig | ProganDiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    replicas: int = option(0, "devices that share a minibatch; 0: every visible GPU that can, or one CPU", low=0)
    threads: int = option(0, "of TensorFlow on the CPU; 0: one for each core", low=0)
    desc: str = ""  # what the user calls it; in the name of its run directory

"""What an experiment is: frozen dataclasses, and their way to JSON and back.

One `Experiment` holds everything that decides the numbers. It is printed by `train.py --dry_run`, saved as config.json
in the run directory and compared when a run is resumed. Field names follow the official keyword arguments, except
where README's glossary says otherwise (z_dim, w_dim).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class GeneratorConfig:
    """Arguments of networks.generator.Generator (official G_style, G_mapping, G_synthesis)."""

    resolution: int = 1024  # of the pictures, a power of two, 8 at least
    num_channels: int = 3  # of the pictures
    label_size: int = 0  # length of the one-hot label, 0: unconditional
    z_dim: int = 512  # latent_size
    w_dim: int = 512  # dlatent_size
    mapping_layers: int = 8
    mapping_fmaps: int = 512  # width of the mapping network's hidden layers
    mapping_lrmul: float = 0.01  # learning-rate multiplier of the mapping network
    normalize_latents: bool = True
    fmap_base: int = 8192
    fmap_decay: float = 1.0
    fmap_max: int = 512
    use_styles: bool = True
    const_input_layer: bool = True
    use_noise: bool = True
    use_pixel_norm: bool = False
    use_instance_norm: bool = True
    use_wscale: bool = True  # equalized learning rate
    nonlinearity: str = "lrelu"  # of the synthesis network: lrelu | relu
    mapping_nonlinearity: str = "lrelu"
    fused_scale: str = "auto"  # auto | on | off | 16,32 | measured: see configs.fused_scale
    blur: bool = True


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Arguments of networks.discriminator.Discriminator (official D_basic)."""

    resolution: int = 1024
    num_channels: int = 3
    label_size: int = 0
    fmap_base: int = 8192
    fmap_decay: float = 1.0
    fmap_max: int = 512
    use_wscale: bool = True
    nonlinearity: str = "lrelu"
    fused_scale: str = "auto"
    blur: bool = True
    mbstd_group_size: int = 4  # 0 or 1: no minibatch standard deviation
    mbstd_num_features: int = 1


@dataclass(frozen=True)
class ProganGeneratorConfig:
    """Arguments of networks.progan.ProganGenerator (official G_paper)."""

    resolution: int = 1024
    num_channels: int = 3
    label_size: int = 0
    z_dim: int = 512
    normalize_latents: bool = True
    fmap_base: int = 8192
    fmap_decay: float = 1.0
    fmap_max: int = 512
    use_pixelnorm: bool = True
    pixelnorm_epsilon: float = 1e-8
    use_wscale: bool = True
    use_leakyrelu: bool = True
    fused_scale: str = "on"


@dataclass(frozen=True)
class ProganDiscriminatorConfig:
    """Arguments of networks.progan.ProganDiscriminator (official D_paper)."""

    resolution: int = 1024
    num_channels: int = 3
    label_size: int = 0  # of labels that it is given and does not use
    fmap_base: int = 8192
    fmap_decay: float = 1.0
    fmap_max: int = 512
    use_wscale: bool = True
    fused_scale: str = "on"
    downscale_last: bool = False  # average after bias and non-linearity (official fused_scale=False)
    mbstd_group_size: int = 4


@dataclass(frozen=True)
class LossConfig:
    """Which losses and penalties, and their weights."""

    G: str = "logistic_nonsaturating"  # logistic_nonsaturating | logistic_saturating | wgan (also for hinge)
    D: str = "logistic"  # logistic | wgan | hinge
    r1_gamma: float = 10.0
    r2_gamma: float = 0.0
    gp_weight: float = 0.0  # WGAN-GP, official wgan_lambda
    gp_target: float = 1.0  # official wgan_target
    drift_weight: float = 0.0  # official wgan_epsilon


@dataclass(frozen=True)
class ScheduleConfig:
    """Arguments of training.schedule.phase (official training_schedule). Tables map a resolution to a value."""

    initial_resolution: int = 8  # lod_initial_resolution
    lod_training_kimg: float = 600  # thousands of pictures at a resolution before the next one fades in
    lod_transition_kimg: float = 600  # thousands of pictures of a fade; both 0: no growing
    minibatch_base: int = 4
    minibatch: dict[int, int] = field(default_factory=dict)
    max_minibatch_per_gpu: dict[int, int] = field(default_factory=dict)
    G_lrate_base: float = 0.001
    G_lrate: dict[int, float] = field(default_factory=dict)
    D_lrate_base: float = 0.001
    D_lrate: dict[int, float] = field(default_factory=dict)
    lrate_rampup_kimg: float = 0
    tick_kimg_base: float = 160
    tick_kimg: dict[int, float] = field(
        default_factory=lambda: {4: 160, 8: 140, 16: 120, 32: 100, 64: 80, 128: 60, 256: 40, 512: 30, 1024: 20}
    )


@dataclass(frozen=True)
class DataConfig:
    """Which pictures."""

    directory: str = ""  # of TFRecords; "": the built-in faces
    resolution: int = 1024  # that is trained; the data set's own, or one of its smaller levels
    mirror: bool = False  # each picture left-right with probability 1/2
    crop: str = ""  # "x,y,width,height" of what is not black bars, at `resolution`; "": all of the picture
    max_label_size: int | None = 0  # columns of the label file to use; 0: none, None: all
    num_faces: int = 20000  # pictures to draw where the built-in faces are used


@dataclass(frozen=True)
class TrainingConfig:
    """The loop (official training_loop)."""

    total_kimg: float = 25000
    seed: int = 1000
    num_gpus: int = 1  # GPUs of the official hardware row: parts of a minibatch that have their own style-mixing cutoff
    minibatch_repeats: int = 4  # minibatches between two looks at the schedule
    D_repeats: int = 1
    r1_interval: int = 1  # D steps from one R1 and R2 penalty to the next (StyleGAN2 app. B); 1: part of every step
    ema_half_life_kimg: float = 10.0  # G_smoothing_kimg; 0: Gs = G
    style_mixing_prob: float = 0.9
    w_avg_beta: float = 0.995  # dlatent_avg_beta
    reset_optimizer: bool = True  # reset_opt_for_new_lod
    adam_beta1: float = 0.0
    adam_beta2: float = 0.99
    adam_epsilon: float = 1e-8
    precision: str = "float32"  # float32 | mixed_bfloat16 | mixed_float16 | auto: the faster of the first two, measured
    tf32: bool = False
    deterministic: bool | None = None  # the same bits on every run; none: on CPUs, where it costs nothing
    xla: bool = False  # compile the gradients of a step with XLA
    init_from: str = ""  # network that the weights are taken from, as the user named it; "": random ones


@dataclass(frozen=True)
class OutputConfig:
    """What is written while training. Nothing here changes the weights."""

    outdir: str = "results"
    grid: str = "4k"  # 1080p | 4k | WxH, such as 8x8
    image_ticks: int = 1  # ticks between two grids of fakes
    snapshot_ticks: int = 10  # ticks between two snapshots of the networks
    checkpoint_minutes: float = 5.0
    metrics: str = ""  # names with commas, such as fid5k@faces, computed while training
    metric_ticks: int = 10  # ticks between two evaluations


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
    replicas: int = 0  # devices that share a minibatch; 0: every visible GPU that can, or one CPU
    threads: int = 0  # of TensorFlow on the CPU; 0: one for each core

"""Config A: the generator and the discriminator of Progressive GAN (Karras et al. 2017, arXiv 1710.10196)."""

import keras
from keras import ops

from stylegan_tf.configs.fused_scale import is_fused
from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense
from stylegan_tf.layers.scaled_conv import DownscaleConv2D, UpscaleConv2D
from stylegan_tf.networks.as_graphs import AsGraphs
from stylegan_tf.networks.stages import channels, checked_shape, checked_stage, seed_of, stage_of, used_at
from stylegan_tf.ops.activate import GAIN, activation
from stylegan_tf.ops.blend import crossfade, is_one
from stylegan_tf.ops.normalize import pixel_norm
from stylegan_tf.ops.resample import downscale, upscale
from stylegan_tf.ops.stddev import minibatch_stddev


class _Progan(keras.Model):
    """What the two share: arguments, widths and how a layer is made."""

    def __init__(self, resolution, num_channels, label_size, widths, use_wscale, fused_scale, seed, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.resolution, self.num_channels, self.label_size = resolution, num_channels, label_size
        self.fmap_base, self.fmap_decay, self.fmap_max = widths
        self.use_wscale, self.fused_scale, self.seed = use_wscale, fused_scale, seed
        self.last_stage = stage_of(resolution)
        if resolution < 8:
            raise ValueError(f"resolution must be 8 at least, got {resolution}")

    def width(self, stage):
        """Channels of the layers at 2^stage."""
        return channels(stage, self.fmap_base, self.fmap_decay, self.fmap_max)

    def _add(self, name, kind, width, fan_in, gain=GAIN, **arguments):
        """Makes and builds one layer; `kind` is its class. Dense layers are float32 under every policy."""
        dtype = "float32" if kind is EqualizedDense else self.dtype_policy
        seed = seed_of(self.seed, name)
        layer = kind(width, gain=gain, use_wscale=self.use_wscale, seed=seed, name=name, dtype=dtype, **arguments)
        layer.build((None, fan_in) if kind is EqualizedDense else (None, None, None, fan_in))
        setattr(self, name, layer)

    def variables_at(self, stage):
        """Trainable variables that the output of a stage, fading or not, depends on."""
        return [variable for variable in self.trainable_variables if used_at(variable.path, stage)]

    def _config(self, *names):
        shared = ("resolution", "num_channels", "label_size", "fmap_base", "fmap_decay", "fmap_max", "use_wscale")
        names = (*shared, "fused_scale", "seed", *names)
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="stylegan_tf")
class ProganGenerator(_Progan):
    """z, labels -> images (official G_paper, structure 'linear'). It has neither w nor styles nor noise.

    Layers are called b<resolution>_<official name>: b4_dense and its b4_dense_bias, b4_conv, b8_conv0_up, b8_conv1,
    ..., b<resolution>_to_rgb. All variables exist from the start.

    Args:
        resolution: int. Of the final pictures, a power of two, 8 at least.
        num_channels: int. Of the pictures.
        label_size: int. Length of the labels, which stand beside z as they are. 0: none.
        z_dim: int. Length of z.
        normalize_latents: bool. Pixel-normalise z (and the labels) first.
        fmap_base, fmap_decay, fmap_max: Widths; see networks.stages.channels.
        use_pixelnorm: bool. Pixel norm after every non-linearity.
        pixelnorm_epsilon: float. Of every pixel norm, that of the latents included.
        use_wscale: bool. Equalized learning rate.
        use_leakyrelu: bool. False: ReLU.
        fused_scale: str. See configs.fused_scale: how upscaling convolutions are computed; the numbers are the same.
        seed: int. Of the initial weights.

    Call arguments:
        z: [N, z_dim].
        labels: one-hot float [N, label_size], None where label_size is 0.
        psi, cutoff, noise: As for networks.generator.Generator, and without effect here.
        stage: int or None. log2 of the resolution wanted; None: the final one.
        fade: float or scalar tensor. Weight of the finest branch; below 1 the upscaled picture of the stage before
            shows through -> images: [N, 2^stage, 2^stage, num_channels] float32, about [-1, 1].
    """

    def __init__(
        self,
        resolution=1024,
        num_channels=3,
        label_size=0,
        z_dim=512,
        normalize_latents=True,
        fmap_base=8192,
        fmap_decay=1.0,
        fmap_max=512,
        use_pixelnorm=True,
        pixelnorm_epsilon=1e-8,
        use_wscale=True,
        use_leakyrelu=True,
        fused_scale="on",
        seed=0,
        **kwargs,
    ):
        widths = (fmap_base, fmap_decay, fmap_max)
        super().__init__(resolution, num_channels, label_size, widths, use_wscale, fused_scale, seed, **kwargs)
        self.z_dim, self.normalize_latents, self.use_leakyrelu = z_dim, normalize_latents, use_leakyrelu
        self.use_pixelnorm, self.pixelnorm_epsilon = use_pixelnorm, pixelnorm_epsilon
        self.activate = activation("lrelu_flat" if use_leakyrelu else "relu")
        width = self.width(2)
        self._add("b4_dense", EqualizedDense, width * 16, z_dim + label_size, gain=GAIN / 4, use_bias=False)
        self.b4_dense_bias = self.add_weight(name="b4_dense_bias", shape=(width,), initializer="zeros", autocast=False)
        self._add("b4_conv", EqualizedConv2D, width, width, kernel_size=3)
        self._add("b4_to_rgb", EqualizedConv2D, num_channels, width, gain=1.0, kernel_size=1)
        for stage in range(3, self.last_stage + 1):
            side, width = 2**stage, self.width(stage)
            fused = is_fused(fused_scale, side)
            self._add(f"b{side}_conv0_up", UpscaleConv2D, width, self.width(stage - 1), kernel_size=3, fused=fused)
            self._add(f"b{side}_conv1", EqualizedConv2D, width, width, kernel_size=3)
            self._add(f"b{side}_to_rgb", EqualizedConv2D, num_channels, width, gain=1.0, kernel_size=1)
        self.built = True

    def call(self, z, labels=None, psi=0.7, cutoff=8, noise="const", stage=None, fade=1.0):
        stage = checked_stage(stage, self.last_stage)
        x = self._normalized(self.b4_conv(self._input(z, labels)))
        coarse = None
        for block in range(3, stage + 1):
            if block == stage and not is_one(fade):
                coarse = upscale(self._to_rgb(x, block - 1))  # the branch that fades out
            x = self._normalized(getattr(self, f"b{2**block}_conv0_up")(x))
            x = self._normalized(getattr(self, f"b{2**block}_conv1")(x))
        fine = self._to_rgb(x, stage)
        return fine if coarse is None else crossfade(fine, coarse, fade)

    def as_graphs(self):
        """-> networks.as_graphs.AsGraphs: called like this network; see networks.generator.Generator.as_graphs."""
        return AsGraphs(self)

    def _input(self, z, labels):
        """[N, z_dim], [N, label_size] -> [N, 4, 4, C] in the compute dtype."""
        checked_shape("z", z, (None, self.z_dim))
        x = ops.cast(z, "float32")
        if self.label_size:
            if labels is None:
                raise ValueError(
                    f"the network is conditional: labels must have the shape [N, {self.label_size}], got None"
                )
            checked_shape("labels", labels, (None, self.label_size))
            x = ops.concatenate([x, ops.cast(labels, "float32")], axis=-1)
        if self.normalize_latents:
            x = pixel_norm(x, self.pixelnorm_epsilon)
        x = ops.reshape(self.b4_dense(x), (-1, 4, 4, self.width(2))) + self.b4_dense_bias
        return self._normalized(ops.cast(x, self.compute_dtype))

    def _normalized(self, x):
        x = self.activate(x)
        return pixel_norm(x, self.pixelnorm_epsilon) if self.use_pixelnorm else x

    def _to_rgb(self, x, stage):
        return ops.cast(getattr(self, f"b{2**stage}_to_rgb")(x), "float32")

    def get_config(self):
        return self._config("z_dim", "normalize_latents", "use_pixelnorm", "pixelnorm_epsilon", "use_leakyrelu")


@keras.saving.register_keras_serializable(package="stylegan_tf")
class ProganDiscriminator(_Progan):
    """images -> logits (official D_paper, structure 'linear'); without minibatch deviation, an attribute classifier.

    Layers are called b<resolution>_<official name>, as in networks.discriminator.Discriminator. The dense layers are
    float32 under every policy. All variables exist from the start.

    Args:
        resolution: int. Of the final pictures, a power of two, 8 at least.
        num_channels: int. Of the pictures.
        label_size: int. Length of labels, which it takes and does not use.
        fmap_base, fmap_decay, fmap_max: Widths; see networks.stages.channels.
        use_wscale: bool. Equalized learning rate.
        fused_scale: str. See configs.fused_scale: how downscaling convolutions are computed; the numbers are the same.
        downscale_last: bool. True: 2x2 means are taken after bias and non-linearity instead of before, another
            function (official fused_scale False).
        mbstd_group_size: int. Samples of a group of the minibatch deviation; 0 or 1: none.
        seed: int. Of the initial weights.

    Call arguments:
        images: [N, 2^stage, 2^stage, num_channels].
        labels: Without effect.
        stage: int or None. None: the final one.
        fade: float or scalar tensor. Weight of the finest block against the picture downscaled
            -> logits: [N, 1] float32.
    """

    def __init__(
        self,
        resolution=1024,
        num_channels=3,
        label_size=0,
        fmap_base=8192,
        fmap_decay=1.0,
        fmap_max=512,
        use_wscale=True,
        fused_scale="on",
        downscale_last=False,
        mbstd_group_size=4,
        seed=0,
        **kwargs,
    ):
        widths = (fmap_base, fmap_decay, fmap_max)
        super().__init__(resolution, num_channels, label_size, widths, use_wscale, fused_scale, seed, **kwargs)
        self.downscale_last, self.mbstd_group_size = downscale_last, mbstd_group_size
        self.activate = activation("lrelu_flat")
        for stage in range(2, self.last_stage + 1):
            side, width = 2**stage, self.width(stage)
            self._add(f"b{side}_from_rgb", EqualizedConv2D, width, num_channels, kernel_size=1)
            if stage == 2:
                continue
            self._add(f"b{side}_conv0", EqualizedConv2D, width, width, kernel_size=3)
            coarser = self.width(stage - 1)
            if downscale_last:
                self._add(f"b{side}_conv1_down", EqualizedConv2D, coarser, width, kernel_size=3)
            else:
                fused = is_fused(fused_scale, side)
                self._add(f"b{side}_conv1_down", DownscaleConv2D, coarser, width, kernel_size=3, fused=fused)
        width = self.width(2)
        deviations = 1 if mbstd_group_size > 1 else 0
        self._add("b4_conv", EqualizedConv2D, width, width + deviations, kernel_size=3)
        self._add("b4_dense0", EqualizedDense, self.width(1), width * 16)
        self._add("b4_dense1", EqualizedDense, 1, self.width(1), gain=1.0)
        self.built = True

    def call(self, images, labels=None, stage=None, fade=1.0):
        stage = checked_stage(stage, self.last_stage)
        checked_shape("images", images, (None, 2**stage, 2**stage, self.num_channels))
        x = self._from_rgb(images, stage)
        for block in range(stage, 2, -1):
            x = self._block(x, block)
            if block == stage and not is_one(fade):
                x = crossfade(x, self._from_rgb(downscale(images), stage - 1), fade)
        if self.mbstd_group_size > 1:
            x = minibatch_stddev(x, self.mbstd_group_size, 1)
        x = self.activate(self.b4_conv(x))
        return self.b4_dense1(self.activate(self.b4_dense0(ops.reshape(x, (-1, 16 * x.shape[-1])))))

    def _from_rgb(self, images, stage):
        return self.activate(getattr(self, f"b{2**stage}_from_rgb")(images))

    def _block(self, x, stage):
        x = self.activate(getattr(self, f"b{2**stage}_conv0")(x))
        x = self.activate(getattr(self, f"b{2**stage}_conv1_down")(x))
        return downscale(x) if self.downscale_last else x

    def get_config(self):
        return self._config("downscale_last", "mbstd_group_size")

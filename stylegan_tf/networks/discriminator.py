"""The discriminator of configs B to F."""

import keras
from keras import ops

from stylegan_tf.configs.fused_scale import is_fused
from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense
from stylegan_tf.layers.scaled_conv import DownscaleConv2D
from stylegan_tf.networks.stages import channels, checked_shape, checked_stage, seed_of, stage_of, used_at
from stylegan_tf.ops.activate import GAIN, activation
from stylegan_tf.ops.blend import crossfade, is_one
from stylegan_tf.ops.resample import blur, downscale
from stylegan_tf.ops.stddev import minibatch_stddev


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Discriminator(keras.Model):
    """images, labels -> logits (official D_basic, structure 'linear').

    Layers are called b<resolution>_<official name>: b<r>_from_rgb, b<r>_conv0, b<r>_conv1_down, b4_conv, b4_dense0,
    b4_dense1. The dense layers are float32 under every policy. All variables exist from the start.

    Args:
        resolution: int. Of the final pictures, a power of two, 8 at least.
        num_channels: int. Of the pictures.
        label_size: int. Length of the one-hot labels; each class has an output of its own. 0: none.
        fmap_base, fmap_decay, fmap_max: Widths; see networks.stages.channels.
        use_wscale: bool. Equalized learning rate.
        nonlinearity: str. "lrelu" or "relu".
        fused_scale: str. See configs.fused_scale: how downscaling convolutions are computed; the numbers are the same.
        blur: bool. Blur before downscaling.
        mbstd_group_size: int. Samples of a group of the minibatch deviation; 0 or 1: none.
        mbstd_num_features: int. Maps that it appends.
        seed: int. Of the initial weights.

    Call arguments:
        images: [N, 2^stage, 2^stage, num_channels].
        labels: one-hot float [N, label_size], None where label_size is 0.
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
        nonlinearity="lrelu",
        fused_scale="auto",
        blur=True,
        mbstd_group_size=4,
        mbstd_num_features=1,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.resolution, self.num_channels, self.label_size = resolution, num_channels, label_size
        self.fmap_base, self.fmap_decay, self.fmap_max = fmap_base, fmap_decay, fmap_max
        self.use_wscale, self.nonlinearity, self.fused_scale, self.blur = use_wscale, nonlinearity, fused_scale, blur
        self.mbstd_group_size, self.mbstd_num_features, self.seed = mbstd_group_size, mbstd_num_features, seed
        self.last_stage = stage_of(resolution)
        if resolution < 8:
            raise ValueError(f"resolution must be 8 at least, got {resolution}")
        self.activate = activation(nonlinearity)
        for stage in range(2, self.last_stage + 1):
            self._add_stage(stage)
        self.built = True

    def width(self, stage):
        """Channels that enter the layers at 2^stage."""
        return channels(stage, self.fmap_base, self.fmap_decay, self.fmap_max)

    def _add_stage(self, stage):
        side, width = 2**stage, self.width(stage)
        self._add(f"b{side}_from_rgb", EqualizedConv2D, width, self.num_channels, kernel_size=1)
        if stage > 2:
            self._add(f"b{side}_conv0", EqualizedConv2D, width, width, kernel_size=3)
            fused = is_fused(self.fused_scale, side)
            self._add(f"b{side}_conv1_down", DownscaleConv2D, self.width(stage - 1), width, kernel_size=3, fused=fused)
        else:
            deviations = self.mbstd_num_features if self.mbstd_group_size > 1 else 0
            self._add("b4_conv", EqualizedConv2D, width, width + deviations, kernel_size=3)
            self._add("b4_dense0", EqualizedDense, self.width(1), width * 16)
            self._add("b4_dense1", EqualizedDense, max(self.label_size, 1), self.width(1), gain=1.0)

    def _add(self, name, kind, width, fan_in, gain=GAIN, **arguments):
        """Makes and builds one layer; `kind` is its class."""
        dtype = "float32" if kind is EqualizedDense else self.dtype_policy
        seed = seed_of(self.seed, name)
        layer = kind(width, gain=gain, use_wscale=self.use_wscale, seed=seed, name=name, dtype=dtype, **arguments)
        layer.build((None, fan_in) if kind is EqualizedDense else (None, None, None, fan_in))
        setattr(self, name, layer)

    def call(self, images, labels=None, stage=None, fade=1.0):
        stage = checked_stage(stage, self.last_stage)
        checked_shape("images", images, (None, 2**stage, 2**stage, self.num_channels))
        x = self._from_rgb(images, stage)
        if stage > 2:
            x = self._block(x, stage)
            if not is_one(fade):
                x = crossfade(x, self._from_rgb(downscale(images), stage - 1), fade)
        for block in range(stage - 1, 2, -1):
            x = self._block(x, block)
        return self._score(x, labels)

    def _from_rgb(self, images, stage):
        return self.activate(getattr(self, f"b{2**stage}_from_rgb")(images))

    def _block(self, x, stage):
        x = self.activate(getattr(self, f"b{2**stage}_conv0")(x))
        x = blur(x) if self.blur else x
        return self.activate(getattr(self, f"b{2**stage}_conv1_down")(x))

    def _score(self, x, labels):
        """[N, 4, 4, C] -> [N, 1]."""
        if self.mbstd_group_size > 1:
            x = minibatch_stddev(x, self.mbstd_group_size, self.mbstd_num_features)
        x = self.activate(self.b4_conv(x))
        x = self.activate(self.b4_dense0(ops.reshape(x, (-1, 16 * x.shape[-1]))))
        logits = self.b4_dense1(x)
        if not self.label_size:
            return logits
        if labels is None:
            raise ValueError(f"the network is conditional: labels must have the shape [N, {self.label_size}], got None")
        checked_shape("labels", labels, (None, self.label_size))
        return ops.sum(logits * ops.cast(labels, "float32"), axis=-1, keepdims=True)

    def variables_at(self, stage):
        """Trainable variables that the logits of a stage, fading or not, depend on."""
        return [variable for variable in self.trainable_variables if used_at(variable.path, stage)]

    def get_config(self):
        names = [
            *("resolution", "num_channels", "label_size", "fmap_base", "fmap_decay", "fmap_max", "use_wscale"),
            *("nonlinearity", "fused_scale", "blur", "mbstd_group_size", "mbstd_num_features", "seed"),
        ]
        return super().get_config() | {name: getattr(self, name) for name in names}

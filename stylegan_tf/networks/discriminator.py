"""The discriminator of configs B to F."""

from functools import partial
from typing import ClassVar

import keras
from keras import ops

from stylegan_tf.configs.fused_scale import is_fused
from stylegan_tf.configs.schema import DiscriminatorConfig, NetworkConfig
from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense
from stylegan_tf.layers.scaled_conv import DownscaleConv2D
from stylegan_tf.networks.growing import GrowingNetwork
from stylegan_tf.networks.stages import checked_shape
from stylegan_tf.ops.activate import activation
from stylegan_tf.ops.blend import crossfade, is_one
from stylegan_tf.ops.resample import blur, downscale
from stylegan_tf.ops.stddev import minibatch_stddev


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Discriminator(GrowingNetwork):
    """images, labels -> logits: [N, 1] float32 (official D_basic, structure 'linear').

    Layers are b<r>_from_rgb, b<r>_conv0, b<r>_conv1_down, b4_conv, b4_dense0, b4_dense1. The dense layers are float32
    under every policy. Each class of the labels has an output of its own. Call arguments: networks.growing.
    """

    CONFIG: ClassVar[type[NetworkConfig]] = DiscriminatorConfig

    def _add_layers(self):
        self.activate = activation(self.nonlinearity)
        for stage in range(2, self.last_stage + 1):
            self._add_from_rgb(stage)
            if stage > 2:
                self._add_block(stage, DownscaleConv2D, fused=is_fused(self.fused_scale, 2**stage))
            else:
                self._add_score(max(self.label_size, 1))

    def _add_from_rgb(self, stage):
        self._add(f"b{2**stage}_from_rgb", EqualizedConv2D, self.width(stage), self.num_channels, kernel_size=1)

    def _add_block(self, stage, kind, **arguments):
        """The two convolutions of a resolution above 4x4; `kind` is the class of the one that leads to the next."""
        side, width = 2**stage, self.width(stage)
        self._add(f"b{side}_conv0", EqualizedConv2D, width, width, kernel_size=3)
        self._add(f"b{side}_conv1_down", kind, self.width(stage - 1), width, kernel_size=3, **arguments)

    def _add_score(self, outputs):
        """The layers at 4x4."""
        width, deviations = self.width(2), self.mbstd_num_features if self.mbstd_group_size > 1 else 0
        self._add("b4_conv", EqualizedConv2D, width, width + deviations, kernel_size=3)
        self._add("b4_dense0", EqualizedDense, self.width(1), width * 16)
        self._add("b4_dense1", EqualizedDense, outputs, self.width(1), gain=1.0)

    def call(self, images, labels=None, stage=None, fade=1.0):
        stage = self._checked_stage(stage)
        checked_shape("images", images, (None, 2**stage, 2**stage, self.num_channels))
        x = ops.cast(images, self.compute_dtype)
        for block in range(stage, 2, -1):
            finest, side = block == stage, 2**block
            layers = [f"b{side}_conv0", f"b{side}_conv1_down", *([f"b{side}_from_rgb"] if finest else [])]
            x = self._unit(layers, partial(self._block, stage=block, from_rgb=finest), x)
            if finest and not is_one(fade):
                coarse = ops.cast(downscale(images), self.compute_dtype)
                x = crossfade(x, self._from_rgb_unit(coarse, stage - 1), fade)
        x = self._from_rgb_unit(x, stage) if stage == 2 else x
        return self._choose(self._score(x), labels)

    def _from_rgb_unit(self, images, stage):
        return self._unit([f"b{2**stage}_from_rgb"], partial(self._from_rgb, stage=stage), images)

    def _from_rgb(self, images, stage):
        return self.activate(getattr(self, f"b{2**stage}_from_rgb")(images))

    def _block(self, x, stage, from_rgb):
        """The layers of a resolution above 4x4. from_rgb: whether x is images of that resolution."""
        x = self._from_rgb(x, stage) if from_rgb else x
        x = self.activate(getattr(self, f"b{2**stage}_conv0")(x))
        x = blur(x) if self.blur else x
        return self.activate(getattr(self, f"b{2**stage}_conv1_down")(x))

    def _score(self, x):
        """[N, 4, 4, C] -> [N, outputs]."""
        if self.mbstd_group_size > 1:
            x = minibatch_stddev(x, self.mbstd_group_size, self.mbstd_num_features)
        x = self.activate(self.b4_conv(x))
        return self.b4_dense1(self.activate(self.b4_dense0(ops.reshape(x, (-1, 16 * x.shape[-1])))))

    def _choose(self, logits, labels):
        """[N, outputs] -> [N, 1]: the output of each picture's class."""
        if not self.label_size:
            return logits
        return ops.sum(logits * self._checked_labels(labels), axis=-1, keepdims=True)

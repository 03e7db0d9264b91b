"""Config A: the generator and the discriminator of Progressive GAN (Karras et al. 2017, arXiv 1710.10196)."""

from functools import partial

import keras
from keras import ops

from stylegan_tf.configs.fused_scale import is_fused
from stylegan_tf.configs.schema import ProganDiscriminatorConfig, ProganGeneratorConfig
from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense
from stylegan_tf.layers.scaled_conv import DownscaleConv2D, UpscaleConv2D
from stylegan_tf.networks.as_graphs import AsGraphs
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.growing import GrowingNetwork
from stylegan_tf.networks.stages import checked_shape
from stylegan_tf.ops.activate import GAIN, activation
from stylegan_tf.ops.blend import crossfade, is_one
from stylegan_tf.ops.normalize import pixel_norm
from stylegan_tf.ops.resample import downscale, upscale


@keras.saving.register_keras_serializable(package="stylegan_tf")
class ProganGenerator(GrowingNetwork):
    """z, labels -> images (official G_paper, structure 'linear'). It has neither w nor styles nor noise.

    Layers are b4_dense and its b4_dense_bias, b4_conv, b8_conv0_up, b8_conv1, ..., b<resolution>_to_rgb. Labels stand
    beside z as they are. Call arguments: networks.growing; psi, cutoff and noise are those of
    networks.generator.Generator, and without effect here.
    """

    CONFIG = ProganGeneratorConfig

    def _add_layers(self):
        self.activate = activation("lrelu_flat" if self.use_leakyrelu else "relu")
        width = self.width(2)
        self._add("b4_dense", EqualizedDense, width * 16, self.z_dim + self.label_size, gain=GAIN / 4, use_bias=False)
        self.b4_dense_bias = self.add_weight(name="b4_dense_bias", shape=(width,), initializer="zeros", autocast=False)
        self._add("b4_conv", EqualizedConv2D, width, width, kernel_size=3)
        self._add("b4_to_rgb", EqualizedConv2D, self.num_channels, width, gain=1.0, kernel_size=1)
        for stage in range(3, self.last_stage + 1):
            side, width = 2**stage, self.width(stage)
            fused = is_fused(self.fused_scale, side)
            self._add(f"b{side}_conv0_up", UpscaleConv2D, width, self.width(stage - 1), kernel_size=3, fused=fused)
            self._add(f"b{side}_conv1", EqualizedConv2D, width, width, kernel_size=3)
            self._add(f"b{side}_to_rgb", EqualizedConv2D, self.num_channels, width, gain=1.0, kernel_size=1)

    def call(self, z, labels=None, psi=0.7, cutoff=8, noise="const", stage=None, fade=1.0):
        stage = self._checked_stage(stage)
        x = self._normalized(self.b4_conv(self._input(z, labels)))
        coarse = None
        for block in range(3, stage + 1):
            if block == stage and not is_one(fade):
                coarse = upscale(self._to_rgb(x, block - 1))  # the branch that fades out
            for name in (f"b{2**block}_conv0_up", f"b{2**block}_conv1"):
                x = self._unit([name], partial(self._layer, name), x)
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
            x = ops.concatenate([x, self._checked_labels(labels)], axis=-1)
        if self.normalize_latents:
            x = pixel_norm(x, self.pixelnorm_epsilon)
        x = ops.reshape(self.b4_dense(x), (-1, 4, 4, self.width(2))) + self.b4_dense_bias
        return self._normalized(ops.cast(x, self.compute_dtype))

    def _layer(self, name, x):
        return self._normalized(getattr(self, name)(x))

    def _normalized(self, x):
        x = self.activate(x)
        return pixel_norm(x, self.pixelnorm_epsilon) if self.use_pixelnorm else x

    def _to_rgb(self, x, stage):
        return ops.cast(getattr(self, f"b{2**stage}_to_rgb")(x), "float32")


@keras.saving.register_keras_serializable(package="stylegan_tf")
class ProganDiscriminator(Discriminator):
    """images -> logits (official D_paper, structure 'linear'); without minibatch deviation, an attribute classifier.

    As networks.discriminator.Discriminator, without blur, with one output, and with labels that it does not use.
    """

    CONFIG = ProganDiscriminatorConfig
    blur, mbstd_num_features = False, 1

    def _add_layers(self):
        self.activate = activation("lrelu_flat")
        for stage in range(2, self.last_stage + 1):
            self._add_from_rgb(stage)
            if stage > 2 and self.downscale_last:
                self._add_block(stage, EqualizedConv2D)
            elif stage > 2:
                self._add_block(stage, DownscaleConv2D, fused=is_fused(self.fused_scale, 2**stage))
        self._add_score(1)

    def _block(self, x, stage, from_rgb):
        x = super()._block(x, stage, from_rgb)
        return downscale(x) if self.downscale_last else x

    def _choose(self, logits, labels):
        return logits

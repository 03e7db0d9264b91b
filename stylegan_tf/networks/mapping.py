"""The mapping network f: Z -> W (paper fig. 1b)."""

import keras
from keras import ops

from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.layers.equalized import EqualizedDense
from stylegan_tf.networks.growing import GrowingNetwork
from stylegan_tf.networks.stages import checked_shape, seed_of
from stylegan_tf.ops.activate import activation
from stylegan_tf.ops.normalize import pixel_norm


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Mapping(GrowingNetwork):
    """z, labels -> w: [N, w_dim] float32 (official G_mapping).

    float32 under every policy: it is small, and everything depends on it. Labels are embedded to z_dim and stand beside
    z; the non-linearity is after the last layer too. It has no stages; of the generator's dataclass it uses what is
    about z and w.
    """

    CONFIG = GeneratorConfig

    def _add_layers(self):
        width = self.z_dim
        if self.label_size:
            initializer = keras.initializers.RandomNormal(0.0, 1.0, seed=seed_of(self.seed, "label_weight"))
            self.label_weight = self.add_weight(
                name="label_weight", shape=(self.label_size, self.z_dim), initializer=initializer, autocast=False
            )
            width = 2 * self.z_dim
        for index in range(self.mapping_layers):
            units = self.w_dim if index == self.mapping_layers - 1 else self.mapping_fmaps
            self._add(f"dense{index}", EqualizedDense, units, width, lrmul=self.mapping_lrmul)
            width = units
        self.activate = activation(self.mapping_nonlinearity)

    def call(self, z, labels=None):
        checked_shape("z", z, (None, self.z_dim))
        x = ops.cast(z, "float32")
        if self.label_size:
            x = ops.concatenate([x, ops.matmul(self._checked_labels(labels), self.label_weight)], axis=-1)
        if self.normalize_latents:
            x = pixel_norm(x)
        for index in range(self.mapping_layers):
            x = self.activate(getattr(self, f"dense{index}")(x))
        return x

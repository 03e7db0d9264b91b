"""The mapping network f: Z -> W (paper fig. 1b)."""

import keras
from keras import ops

from stylegan_tf.layers.equalized import EqualizedDense
from stylegan_tf.networks.stages import checked_shape, seed_of
from stylegan_tf.ops.activate import GAIN, activation
from stylegan_tf.ops.normalize import pixel_norm


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Mapping(keras.Model):
    """z, labels -> w (official G_mapping). float32 under every policy: it is small, and everything depends on it.

    Args:
        z_dim: int. Length of z.
        w_dim: int. Length of w.
        label_size: int. Length of the one-hot labels, 0: none. They are embedded to z_dim and stand beside z.
        num_layers: int. 0: w is the normalised z.
        fmaps: int. Width of the hidden layers.
        lrmul: float. Learning-rate multiplier.
        normalize_latents: bool. Pixel-normalise z (and the embedded label) first.
        use_wscale: bool. Equalized learning rate.
        nonlinearity: str. "lrelu" or "relu", after the last layer too.
        seed: int. Of the initial weights.

    Call arguments:
        z: [N, z_dim].
        labels: [N, label_size], None where label_size is 0 -> w: [N, w_dim] float32.
    """

    def __init__(
        self,
        z_dim=512,
        w_dim=512,
        label_size=0,
        num_layers=8,
        fmaps=512,
        lrmul=0.01,
        normalize_latents=True,
        use_wscale=True,
        nonlinearity="lrelu",
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.z_dim, self.w_dim, self.label_size, self.num_layers = z_dim, w_dim, label_size, num_layers
        self.fmaps, self.lrmul, self.normalize_latents = fmaps, lrmul, normalize_latents
        self.use_wscale, self.nonlinearity, self.seed = use_wscale, nonlinearity, seed
        width = 2 * z_dim if label_size else z_dim
        if num_layers == 0 and w_dim != width:
            raise ValueError(f"without mapping layers w is the normalised z: w_dim must be {width}, got {w_dim}")
        if label_size:
            initializer = keras.initializers.RandomNormal(0.0, 1.0, seed=seed_of(seed, "label_weight"))
            self.label_weight = self.add_weight(
                name="label_weight", shape=(label_size, z_dim), initializer=initializer, autocast=False
            )
        for index in range(num_layers):
            units = w_dim if index == num_layers - 1 else fmaps
            name = f"dense{index}"
            layer = EqualizedDense(units, GAIN, lrmul, use_wscale, seed=seed_of(seed, name), name=name, dtype="float32")
            layer.build((None, width))
            setattr(self, name, layer)
            width = units
        self.activate = activation(nonlinearity)
        self.built = True

    def call(self, z, labels=None):
        checked_shape("z", z, (None, self.z_dim))
        x = ops.cast(z, "float32")
        if self.label_size:
            if labels is None:
                raise ValueError(
                    f"the network is conditional: labels must have the shape [N, {self.label_size}], got None"
                )
            checked_shape("labels", labels, (None, self.label_size))
            x = ops.concatenate([x, ops.matmul(ops.cast(labels, "float32"), self.label_weight)], axis=-1)
        if self.normalize_latents:
            x = pixel_norm(x)
        for index in range(self.num_layers):
            x = self.activate(getattr(self, f"dense{index}")(x))
        return x

    def get_config(self):
        names = ("z_dim", "w_dim", "label_size", "num_layers", "fmaps", "lrmul", "normalize_latents", "use_wscale")
        return super().get_config() | {name: getattr(self, name) for name in (*names, "nonlinearity", "seed")}

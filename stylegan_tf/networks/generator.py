"""The style-based generator: mapping, truncation, synthesis (paper fig. 1b)."""

import keras
from keras import ops

from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.networks.as_graphs import AsGraphs
from stylegan_tf.networks.growing import GrowingNetwork
from stylegan_tf.networks.mapping import Mapping
from stylegan_tf.networks.stages import checked_shape, seed_of
from stylegan_tf.networks.synthesis import Synthesis
from stylegan_tf.ops.blend import truncate


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Generator(GrowingNetwork):
    """z, labels -> images (official G_style), configs B to F.

    `mapping`, `synthesis` and `broadcast` are its three steps; `w_avg` [w_dim] is the running average of w that
    truncation pulls towards, moved by training. Generator(resolution=64, fmap_max=64) and Generator(config) make one.

    Call arguments (others: networks.growing):
        psi: float or None. Strength of truncation; 1 or None: none. Defaults to 0.7. Networks without styles, config B
            among them, have no truncation.
        cutoff: int or None. Layers that are truncated; <= 0 or None: none. Defaults to 8.
        noise: See networks.synthesis. Defaults to "const", the stored noise; generate.py defaults to fresh noise.
    """

    CONFIG = GeneratorConfig

    def _add_layers(self):
        for name, part in (("mapping", Mapping), ("synthesis", Synthesis)):
            setattr(self, name, part(self.config, seed_of(self.seed, name), name=name, dtype=self.dtype_policy))
        self.w_avg = self.add_weight(
            name="w_avg", shape=(self.w_dim,), initializer="zeros", trainable=False, autocast=False
        )

    def call(self, z, labels=None, psi=0.7, cutoff=8, noise="const", stage=None, fade=1.0):
        ws = self.broadcast(self.mapping(z, labels))
        if self.use_styles:
            ws = truncate(ws, self.w_avg, psi, cutoff)
        return self.synthesis(ws, noise=noise, stage=stage, fade=fade)

    def broadcast(self, w):
        """[N, w_dim] -> ws: [N, num_layers, w_dim], the same w in every layer."""
        checked_shape("w", w, (None, self.w_dim))
        return ops.tile(ops.expand_dims(w, 1), (1, self.synthesis.num_layers, 1))

    def as_graphs(self):
        """-> networks.as_graphs.AsGraphs: called like this network, as are its `mapping`, `broadcast` and `synthesis`.

        Each runs as a graph (TensorFlow) or jitted (JAX), much faster where pictures are small or many; with PyTorch
        they are the network's own.
        """
        return AsGraphs(self, ("mapping", "broadcast", "synthesis"))

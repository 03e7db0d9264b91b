"""The style-based generator: mapping, truncation, synthesis (paper fig. 1b)."""

import keras
from keras import ops

from stylegan_tf.networks.as_graphs import AsGraphs
from stylegan_tf.networks.mapping import Mapping
from stylegan_tf.networks.stages import checked_shape, seed_of, used_at
from stylegan_tf.networks.synthesis import Synthesis
from stylegan_tf.ops.blend import truncate


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Generator(keras.Model):
    """z, labels -> images (official G_style), configs B to F.

    `mapping`, `synthesis` and `broadcast` are its three steps; `w_avg` [w_dim] is the running average of w that
    truncation pulls towards, moved by training.

    Args:
        z_dim, w_dim, label_size, mapping_layers, mapping_fmaps, mapping_lrmul, mapping_nonlinearity,
            normalize_latents: See networks.mapping.
        resolution, num_channels, fmap_base, fmap_decay, fmap_max, use_styles, const_input_layer, use_noise,
            use_pixel_norm, use_instance_norm, use_wscale, nonlinearity, fused_scale, blur: See networks.synthesis.
        seed: int. Of the initial weights and the stored noise.

    Call arguments:
        z: [N, z_dim].
        labels: one-hot float [N, label_size], None where label_size is 0.
        psi: float or None. Strength of truncation; 1 or None: none. Defaults to 0.7. Networks without styles, config B
            among them, have no truncation.
        cutoff: int or None. Layers that are truncated; <= 0 or None: none. Defaults to 8.
        noise, stage, fade: See networks.synthesis -> images: [N, H, W, C] float32, about [-1, 1].
    """

    def __init__(
        self,
        resolution=1024,
        num_channels=3,
        label_size=0,
        z_dim=512,
        w_dim=512,
        mapping_layers=8,
        mapping_fmaps=512,
        mapping_lrmul=0.01,
        normalize_latents=True,
        fmap_base=8192,
        fmap_decay=1.0,
        fmap_max=512,
        use_styles=True,
        const_input_layer=True,
        use_noise=True,
        use_pixel_norm=False,
        use_instance_norm=True,
        use_wscale=True,
        nonlinearity="lrelu",
        mapping_nonlinearity="lrelu",
        fused_scale="auto",
        blur=True,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.mapping = Mapping(
            z_dim,
            w_dim,
            label_size,
            mapping_layers,
            mapping_fmaps,
            mapping_lrmul,
            normalize_latents,
            use_wscale,
            mapping_nonlinearity,
            seed_of(seed, "mapping"),
            name="mapping",
            dtype=self.dtype_policy,
        )
        self.synthesis = Synthesis(
            *(resolution, num_channels, w_dim, fmap_base, fmap_decay, fmap_max),
            *(use_styles, const_input_layer, use_noise, use_pixel_norm, use_instance_norm),
            use_wscale,
            nonlinearity,
            fused_scale,
            blur,
            seed_of(seed, "synthesis"),
            name="synthesis",
            dtype=self.dtype_policy,
        )
        self.seed = seed
        self.w_avg = self.add_weight(name="w_avg", shape=(w_dim,), initializer="zeros", trainable=False, autocast=False)
        self.built = True

    @property
    def z_dim(self):
        return self.mapping.z_dim

    @property
    def label_size(self):
        return self.mapping.label_size

    @property
    def resolution(self):
        return self.synthesis.resolution

    @property
    def num_channels(self):
        return self.synthesis.num_channels

    @property
    def last_stage(self):
        return self.synthesis.last_stage

    def width(self, stage):
        """Channels of the synthesis network's layers at 2^stage."""
        return self.synthesis.width(stage)

    def call(self, z, labels=None, psi=0.7, cutoff=8, noise="const", stage=None, fade=1.0):
        ws = self.broadcast(self.mapping(z, labels))
        if self.synthesis.use_styles:
            ws = truncate(ws, self.w_avg, psi, cutoff)
        return self.synthesis(ws, noise=noise, stage=stage, fade=fade)

    def broadcast(self, w):
        """[N, w_dim] -> ws: [N, num_layers, w_dim], the same w in every layer."""
        checked_shape("w", w, (None, self.synthesis.w_dim))
        return ops.tile(ops.expand_dims(w, 1), (1, self.synthesis.num_layers, 1))

    def as_graphs(self):
        """-> networks.as_graphs.AsGraphs: called like this network, as are its `mapping`, `broadcast` and `synthesis`.

        Each runs as a graph (TensorFlow) or jitted (JAX), much faster where pictures are small or many; with PyTorch
        they are the network's own.
        """
        return AsGraphs(self, ("mapping", "broadcast", "synthesis"))

    def variables_at(self, stage):
        """Trainable variables that a picture of a stage, fading or not, depends on."""
        return [variable for variable in self.trainable_variables if used_at(variable.path, stage)]

    def get_config(self):
        mapping, synthesis = self.mapping.get_config(), self.synthesis.get_config()
        own = super().get_config()
        names = [
            *("resolution", "num_channels", "fmap_base", "fmap_decay", "fmap_max", "use_styles", "const_input_layer"),
            *("use_noise", "use_pixel_norm", "use_instance_norm", "use_wscale", "nonlinearity", "fused_scale", "blur"),
        ]
        own |= {name: synthesis[name] for name in names}
        own |= {name: mapping[name] for name in ("label_size", "z_dim", "w_dim", "normalize_latents")}
        own |= {f"mapping_{name}": mapping[name] for name in ("fmaps", "lrmul", "nonlinearity")}
        return own | {"mapping_layers": self.mapping.num_layers, "seed": self.seed}

"""The synthesis network g: W -> pictures (paper fig. 1b)."""

import keras
from keras import ops

from stylegan_tf.configs.fused_scale import is_fused
from stylegan_tf.layers.epilogue import Epilogue
from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense
from stylegan_tf.layers.scaled_conv import UpscaleConv2D
from stylegan_tf.networks.stages import channels, checked_shape, checked_stage, num_layers, seed_of, stage_of
from stylegan_tf.ops.activate import GAIN
from stylegan_tf.ops.blend import crossfade, is_one
from stylegan_tf.ops.resample import blur, upscale


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Synthesis(keras.Model):
    """ws -> images (official G_synthesis, structure 'linear').

    Layers are called b<resolution>_<official name>: b4_const, b4_conv, b8_conv0_up, b8_conv1, ..., each with an
    epilogue b..._epilogue, and b<resolution>_to_rgb. noise<i>, [1, H, W, 1], is the stored noise of layer i. All
    variables exist from the start, also those of stages that are not trained yet.

    Args:
        resolution: int. Of the final pictures, a power of two, 8 at least.
        num_channels: int. Of the pictures.
        w_dim: int. Length of w.
        fmap_base, fmap_decay, fmap_max: Widths; see networks.stages.channels.
        use_styles: bool. False: w enters through the traditional input layer alone.
        const_input_layer: bool. False: the 4x4 input is a dense layer of w[:, 0] (the traditional input).
        use_noise, use_pixel_norm, use_instance_norm, nonlinearity: See layers.epilogue.Epilogue.
        use_wscale: bool. Equalized learning rate.
        fused_scale: str. See configs.fused_scale: how upscaling convolutions are computed; the numbers are the same.
        blur: bool. Blur after upscaling.
        seed: int. Of the initial weights and the stored noise.

    Call arguments:
        ws: [N, num_layers, w_dim]; the layers of later stages may be left out.
        noise: "const" (the stored noise), "none", or a list of [N or 1, H, W, 1] per layer.
        stage: int or None. log2 of the resolution wanted; None: the final one.
        fade: float or scalar tensor. Weight of the finest branch; below 1 the upscaled picture of the stage before
            shows through -> images: [N, 2^stage, 2^stage, num_channels] float32, about [-1, 1].
    """

    def __init__(
        self,
        resolution=1024,
        num_channels=3,
        w_dim=512,
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
        fused_scale="auto",
        blur=True,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.resolution, self.num_channels, self.w_dim = resolution, num_channels, w_dim
        self.fmap_base, self.fmap_decay, self.fmap_max = fmap_base, fmap_decay, fmap_max
        self.use_styles, self.const_input_layer, self.use_noise = use_styles, const_input_layer, use_noise
        self.use_pixel_norm, self.use_instance_norm = use_pixel_norm, use_instance_norm
        self.use_wscale, self.nonlinearity = use_wscale, nonlinearity
        self.fused_scale, self.blur, self.seed = fused_scale, blur, seed
        self.last_stage = stage_of(resolution)
        if resolution < 8:
            raise ValueError(f"resolution must be 8 at least, got {resolution}")
        if const_input_layer and not use_styles:
            raise ValueError("const_input_layer without use_styles: the pictures would not depend on w")
        self.num_layers = num_layers(self.last_stage) if use_styles else 1
        for stage in range(2, self.last_stage + 1):
            self._add_stage(stage)
        self.built = True

    def width(self, stage):
        """Channels of the layers at 2^stage."""
        return channels(stage, self.fmap_base, self.fmap_decay, self.fmap_max)

    def _add_stage(self, stage):
        side, width = 2**stage, self.width(stage)
        if stage == 2:
            self._add_input(width)
            self._add_conv("b4_conv", width, width, 4)
        else:
            self._add_conv(f"b{side}_conv0_up", self.width(stage - 1), width, side)
            self._add_conv(f"b{side}_conv1", width, width, side)
        if self.use_noise:
            for index in (num_layers(stage) - 2, num_layers(stage) - 1):
                initializer = keras.initializers.RandomNormal(0.0, 1.0, seed=seed_of(self.seed, f"noise{index}"))
                noise = self.add_weight(
                    name=f"noise{index}", shape=(1, side, side, 1), initializer=initializer, trainable=False
                )
                setattr(self, f"noise{index}", noise)
        name = f"b{side}_to_rgb"
        seed = seed_of(self.seed, name)
        layer = EqualizedConv2D(
            self.num_channels, 1, 1.0, self.use_wscale, seed=seed, name=name, dtype=self.dtype_policy
        )
        layer.build((None, side, side, width))
        setattr(self, name, layer)

    def _add_input(self, width):
        if self.const_input_layer:
            self.b4_const = self.add_weight(name="b4_const", shape=(1, 4, 4, width), initializer="ones")
        else:
            self.b4_dense = EqualizedDense(
                width * 16, GAIN / 4, 1.0, self.use_wscale, False, seed_of(self.seed, "b4_dense"), name="b4_dense"
            )
            self.b4_dense.build((None, self.w_dim))
        self._add_epilogue("b4_const" if self.const_input_layer else "b4_dense", width, 4)

    def _add_conv(self, name, fan_in, width, side):
        shared = {"use_wscale": self.use_wscale, "use_bias": False, "seed": seed_of(self.seed, name)}
        shared |= {"gain": GAIN, "name": name, "dtype": self.dtype_policy}
        if name.endswith("_up"):
            layer = UpscaleConv2D(width, 3, is_fused(self.fused_scale, side), **shared)
        else:
            layer = EqualizedConv2D(width, 3, **shared)
        layer.build((None, side, side, fan_in))
        setattr(self, name, layer)
        self._add_epilogue(name, width, side)

    def _add_epilogue(self, name, width, side):
        layer = Epilogue(
            self.nonlinearity,
            self.use_noise,
            self.use_pixel_norm,
            self.use_instance_norm,
            self.use_styles,
            self.use_wscale,
            seed_of(self.seed, f"{name}_style"),
            name=f"{name}_epilogue",
            dtype=self.dtype_policy,
        )
        layer.build((None, side, side, width), (None, self.w_dim))
        setattr(self, f"{name}_epilogue", layer)

    def call(self, ws, noise="const", stage=None, fade=1.0):
        stage = checked_stage(stage, self.last_stage)
        layers = num_layers(stage) if self.use_styles else 1
        checked_shape("ws", ws, (None, tuple(range(layers, self.num_layers + 1)), self.w_dim))
        noise = self._noise(noise, stage)
        x = self._input(ws, noise[0])
        x = self._layer("b4_conv", x, ws, noise, 1)
        images = None
        for block in range(3, stage + 1):
            if block == stage and not is_one(fade):
                images = upscale(self._to_rgb(x, block - 1))  # the coarser branch, which fades out
            x = self._layer(f"b{2**block}_conv0_up", x, ws, noise, num_layers(block) - 2)
            x = self._layer(f"b{2**block}_conv1", x, ws, noise, num_layers(block) - 1)
        fine = self._to_rgb(x, stage)
        return fine if images is None else crossfade(fine, images, fade)

    def _input(self, ws, noise):
        if self.const_input_layer:
            x = ops.broadcast_to(self.b4_const, (ops.shape(ws)[0], *self.b4_const.shape[1:]))
            name = "b4_const"
        else:
            x = ops.reshape(self.b4_dense(ws[:, 0]), (-1, 4, 4, self.width(2)))
            name = "b4_dense"
        return getattr(self, f"{name}_epilogue")(ops.cast(x, self.compute_dtype), ws[:, 0], noise)

    def _layer(self, name, x, ws, noise, index):
        x = getattr(self, name)(x)
        if self.blur and name.endswith("_up"):
            x = blur(x)
        return getattr(self, f"{name}_epilogue")(x, ws[:, index if self.use_styles else 0], noise[index])

    def _to_rgb(self, x, stage):
        return ops.cast(getattr(self, f"b{2**stage}_to_rgb")(x), "float32")

    def noise_shapes(self, stage=None):
        """[(H, W, 1)] of the noise of every layer up to a stage; empty without noise."""
        last = num_layers(checked_stage(stage, self.last_stage)) if self.use_noise else 0
        return [(2 ** (index // 2 + 2), 2 ** (index // 2 + 2), 1) for index in range(last)]

    def _noise(self, noise, stage):
        layers = num_layers(stage)
        if not self.use_noise or (isinstance(noise, str) and noise == "none"):
            return [None] * layers
        if isinstance(noise, str):
            if noise != "const":
                raise ValueError(f"noise must be 'const', 'none' or a list of tensors, got {noise!r}")
            return [getattr(self, f"noise{index}") for index in range(layers)]
        if len(noise) < layers:
            raise ValueError(f"noise must be a list of {layers} tensors, one per layer, got {len(noise)}")
        for index, shape in enumerate(self.noise_shapes(stage)):
            checked_shape(f"noise[{index}]", noise[index], (None, *shape))
        return list(noise)

    def get_config(self):
        names = [
            *("resolution", "num_channels", "w_dim", "fmap_base", "fmap_decay", "fmap_max", "use_styles"),
            *("const_input_layer", "use_noise", "use_pixel_norm", "use_instance_norm", "use_wscale"),
            *("nonlinearity", "fused_scale", "blur", "seed"),
        ]
        return super().get_config() | {name: getattr(self, name) for name in names}

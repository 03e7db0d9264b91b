"""The synthesis network g: W -> pictures (paper fig. 1b)."""

from functools import partial

import keras
from keras import ops

from stylegan_tf.configs.fused_scale import is_fused
from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.layers.epilogue import Epilogue
from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense
from stylegan_tf.layers.scaled_conv import UpscaleConv2D
from stylegan_tf.networks.growing import GrowingNetwork
from stylegan_tf.networks.stages import ShapeError, checked_shape, num_layers, seed_of
from stylegan_tf.ops.activate import GAIN
from stylegan_tf.ops.blend import crossfade, is_one
from stylegan_tf.ops.resample import blur, upscale


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Synthesis(GrowingNetwork):
    """ws -> images (official G_synthesis, structure 'linear').

    Layers are b4_const (or b4_dense), b4_conv, b8_conv0_up, b8_conv1, ..., each with an epilogue b..._epilogue, and
    b<resolution>_to_rgb. noise<i>, [1, H, W, 1], is the stored noise of layer i.

    Call arguments (others: networks.growing):
        ws: [N, num_layers, w_dim]; the layers of later stages may be left out.
        noise: "const" (the stored noise), "none", or a list of [N or 1, H, W, 1] per layer.
    """

    CONFIG = GeneratorConfig

    def _add_layers(self):
        self.num_layers = num_layers(self.last_stage) if self.use_styles else 1
        for stage in range(2, self.last_stage + 1):
            self._add_stage(stage)

    def _add_stage(self, stage):
        side, width = 2**stage, self.width(stage)
        if stage == 2:
            self._add_input(width)
            self._add_conv("b4_conv", EqualizedConv2D, width, width, 4)
        else:
            fused = is_fused(self.fused_scale, side)
            self._add_conv(f"b{side}_conv0_up", UpscaleConv2D, self.width(stage - 1), width, side, fused=fused)
            self._add_conv(f"b{side}_conv1", EqualizedConv2D, width, width, side)
        if self.use_noise:
            for index in (num_layers(stage) - 2, num_layers(stage) - 1):
                initializer = keras.initializers.RandomNormal(0.0, 1.0, seed=seed_of(self.seed, f"noise{index}"))
                noise = self.add_weight(
                    name=f"noise{index}", shape=(1, side, side, 1), initializer=initializer, trainable=False
                )
                setattr(self, f"noise{index}", noise)
        self._add(f"b{side}_to_rgb", EqualizedConv2D, self.num_channels, width, gain=1.0, kernel_size=1)

    def _add_input(self, width):
        if self.const_input_layer:
            self.b4_const = self.add_weight(name="b4_const", shape=(1, 4, 4, width), initializer="ones")
        else:
            self._add("b4_dense", EqualizedDense, width * 16, self.w_dim, gain=GAIN / 4, use_bias=False)
        self._add_epilogue("b4_const" if self.const_input_layer else "b4_dense", width, 4)

    def _add_conv(self, name, kind, fan_in, width, side, **arguments):
        self._add(name, kind, width, fan_in, kernel_size=3, use_bias=False, **arguments)
        self._add_epilogue(name, width, side)

    def _add_epilogue(self, name, width, side):
        parts = ("nonlinearity", "use_noise", "use_pixel_norm", "use_instance_norm", "use_styles", "use_wscale")
        layer = Epilogue(
            **{part: getattr(self, part) for part in parts},
            seed=seed_of(self.seed, f"{name}_style"),
            name=f"{name}_epilogue",
            dtype=self.dtype_policy,
        )
        layer.build((None, side, side, width), (None, self.w_dim))
        setattr(self, f"{name}_epilogue", layer)

    def call(self, ws, noise="const", stage=None, fade=1.0):
        stage = self._checked_stage(stage)
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
        w = [ws[:, index]] if self.use_styles else []
        noise = [] if noise[index] is None else [noise[index]]
        return self._unit([name, f"{name}_epilogue"], partial(self._convolved, name), x, *w, *noise)

    def _convolved(self, name, x, *inputs):
        """inputs: w where there are styles, then noise unless there is none."""
        w = inputs[0] if self.use_styles else None
        noise = inputs[-1] if len(inputs) > self.use_styles else None
        x = getattr(self, name)(x)
        if self.blur and name.endswith("_up"):
            x = blur(x)
        return getattr(self, f"{name}_epilogue")(x, w, noise)

    def _to_rgb(self, x, stage):
        return ops.cast(getattr(self, f"b{2**stage}_to_rgb")(x), "float32")

    def noise_shapes(self, stage=None):
        """[(H, W, 1)] of the noise of every layer up to a stage; empty without noise."""
        last = num_layers(self._checked_stage(stage)) if self.use_noise else 0
        return [(2 ** (index // 2 + 2), 2 ** (index // 2 + 2), 1) for index in range(last)]

    def _noise(self, noise, stage):
        layers = num_layers(stage)
        if not self.use_noise or (isinstance(noise, str) and noise == "none"):
            return [None] * layers
        if isinstance(noise, str):
            if noise != "const":
                raise ShapeError(f"noise must be 'const', 'none' or a list of tensors, got {noise!r}")
            return [getattr(self, f"noise{index}") for index in range(layers)]
        if len(noise) < layers:
            raise ShapeError(f"noise must be a list of {layers} tensors, one per layer, got {len(noise)}")
        for index, shape in enumerate(self.noise_shapes(stage)):
            checked_shape(f"noise[{index}]", noise[index], (None, *shape))
        return list(noise)

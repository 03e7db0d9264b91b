"""What every layer and every network promises. One row each; a test proves the table complete."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tolerances
from recorded import relative

from stylegan_tf.devices import Replicas
from stylegan_tf.layers.epilogue import Epilogue
from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense
from stylegan_tf.layers.noise import NoiseInjection
from stylegan_tf.layers.scaled_conv import DownscaleConv2D, UpscaleConv2D
from stylegan_tf.layers.style import StyleModulation
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.mapping import Mapping
from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator
from stylegan_tf.networks.synthesis import Synthesis

PACKAGE = Path(__file__).parents[1] / "stylegan_tf"
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass
class Row:
    """A class, its arguments other than the defaults, the shapes of its inputs, and the paths of its variables.

    paths are those of the attributes too: they are the file format, so they must not change.
    """

    kind: type
    arguments: dict
    inputs: list[tuple[int, ...]]
    paths: list[str]
    own_dtype: bool = True  # False: float32 under every policy, as far as the outside can see
    keywords: dict = field(default_factory=dict)  # of the call

    def make(self, **changes):
        """With weights, all of them other than zero."""
        made = self.kind(**self.arguments, **changes)
        if not made.built:
            shapes = [(None, *shape[1:]) for shape in self.inputs]
            made.build(*shapes[: 2 if self.kind in {Epilogue, StyleModulation} else 1])
        return made

    def tensors(self):
        return [tf.random.stateless_normal(shape, (number, 0)) for number, shape in enumerate(self.inputs)]


SMALL = {"resolution": 8, "fmap_base": 16, "fmap_max": 4}
BLOCK = ("b8_conv0_up", "b8_conv1")
EPILOGUE = ["noise/weight", "bias", "style/weight", "style/bias"]
SYNTHESIS = [
    "b4_const",
    *(f"b4_const_epilogue/{part}" for part in EPILOGUE),
    "b4_conv/weight",
    *(f"b4_conv_epilogue/{part}" for part in EPILOGUE),
    *("noise0", "noise1", "b4_to_rgb/weight", "b4_to_rgb/bias"),
    *(path for conv in BLOCK for path in (f"{conv}/weight", *(f"{conv}_epilogue/{part}" for part in EPILOGUE))),
    *("noise2", "noise3", "b8_to_rgb/weight", "b8_to_rgb/bias"),
]
MAPPING = ["label_weight", "dense0/weight", "dense0/bias", "dense1/weight", "dense1/bias"]
DISCRIMINATOR = [
    f"{layer}/{part}"
    for layer in ("b4_from_rgb", "b4_conv", "b4_dense0", "b4_dense1", "b8_from_rgb", "b8_conv0", "b8_conv1_down")
    for part in ("weight", "bias")
]

PROGAN_GENERATOR = [
    *("b4_dense/weight", "b4_dense_bias"),
    *(f"{layer}/{part}" for layer in ("b4_conv", "b4_to_rgb", *BLOCK, "b8_to_rgb") for part in ("weight", "bias")),
]

TABLE = [
    Row(EqualizedDense, {"units": 3, "gain": 1.5, "lrmul": 0.5, "seed": 4}, [(4, 5)], ["weight", "bias"]),
    Row(EqualizedConv2D, {"filters": 3, "kernel_size": 3, "gain": 1.5}, [(4, 4, 4, 2)], ["weight", "bias"]),
    Row(UpscaleConv2D, {"filters": 3, "use_bias": False}, [(4, 4, 4, 2)], ["weight"]),
    Row(DownscaleConv2D, {"filters": 3, "fused": False}, [(4, 4, 4, 2)], ["weight", "bias"]),
    Row(NoiseInjection, {}, [(4, 4, 4, 2), (4, 4, 4, 1)], ["weight"]),
    Row(StyleModulation, {"channels": 2}, [(4, 4, 4, 2), (4, 5)], ["weight", "bias"]),
    Row(Epilogue, {"use_pixel_norm": True}, [(4, 4, 4, 2), (4, 5), (4, 4, 4, 1)], EPILOGUE),
    Row(
        Mapping,
        {"z_dim": 4, "w_dim": 5, "label_size": 3, "mapping_layers": 2, "mapping_fmaps": 6, "mapping_lrmul": 0.1},
        [(4, 4), (4, 3)],
        MAPPING,
        own_dtype=False,
    ),
    Row(Synthesis, SMALL | {"w_dim": 5, "num_channels": 1}, [(4, 4, 5)], SYNTHESIS, False, {"fade": 0.5}),
    Row(
        Generator,
        SMALL | {"z_dim": 4, "w_dim": 5, "label_size": 3, "mapping_layers": 2, "mapping_fmaps": 6},
        [(4, 4), (4, 3)],
        ["w_avg", *(f"mapping/{path}" for path in MAPPING), *(f"synthesis/{path}" for path in SYNTHESIS)],
        False,
        {"fade": 0.5},
    ),
    Row(
        ProganGenerator,
        SMALL | {"z_dim": 4, "label_size": 3, "use_leakyrelu": False},
        [(4, 4), (4, 3)],
        PROGAN_GENERATOR,
        False,
        {"fade": 0.5},
    ),
    Row(
        ProganDiscriminator,
        SMALL | {"downscale_last": True, "mbstd_group_size": 2},
        [(4, 8, 8, 3)],
        DISCRIMINATOR,
        False,
        {"fade": 0.5},
    ),
    Row(Discriminator, SMALL | {"label_size": 3}, [(4, 8, 8, 3), (4, 3)], DISCRIMINATOR, False, {"fade": 0.5}),
]
NETWORKS = [row for row in TABLE if issubclass(row.kind, keras.Model)]


def named(rows):
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.kind.__name__)


def randomize(made) -> None:
    """Weights other than the initial ones, of which many are zero or one."""
    for number, variable in enumerate(made.variables):
        variable.assign(tf.random.stateless_normal(variable.shape, (number, 1)))


def attribute_paths(made) -> dict:
    """{attributes that lead to it, joined by /: variable}."""
    found = {}
    for name, value in vars(made).items():
        if isinstance(value, keras.Variable) and not name.startswith("_"):
            found[name] = value
        elif isinstance(value, keras.Layer) and not name.startswith("_"):
            found |= {f"{name}/{path}": variable for path, variable in attribute_paths(value).items()}
    return found


def test_the_table_is_complete():
    """Every class that is registered for saving has a row."""
    registered = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and any(
                "stylegan_tf" in ast.unparse(line) for line in node.decorator_list
            ):
                registered.add(node.name)
    assert registered == {row.kind.__name__ for row in TABLE}
    for row in TABLE:
        assert keras.saving.get_registered_name(row.kind) == f"stylegan_tf>{row.kind.__name__}"


@named(TABLE)
def test_config_round_trip(row):
    made = row.make(name="it")
    config = made.get_config()
    assert config | row.arguments == config
    again = row.kind.from_config(config)
    assert again.get_config() == config
    if not again.built:
        again.build_from_config(made.get_build_config())
    assert [(v.path, v.shape) for v in again.variables] == [(v.path, v.shape) for v in made.variables]


@named(TABLE)
def test_variable_paths(row):
    made = row.make()
    found = attribute_paths(made)
    assert sorted(found) == sorted(row.paths)
    assert sorted(map(id, found.values())) == sorted(map(id, made.variables))
    for path, variable in found.items():  # which variables a stage uses is read from these
        assert f"{made.name}/{path}".endswith(variable.path)


@named(NETWORKS)
def test_save_and_load(row, tmp_path):
    network = row.make()
    randomize(network)
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert type(loaded) is row.kind
    assert np.array_equal(loaded(*row.tensors(), **row.keywords), network(*row.tensors(), **row.keywords))


@named([row for row in TABLE if row not in NETWORKS])
def test_weights_of_a_layer_go_into_its_copy(row):
    layer = row.make()
    randomize(layer)
    copy = row.kind.from_config(layer.get_config())
    copy(*row.tensors())  # builds itself
    copy.set_weights(layer.get_weights())
    assert np.array_equal(copy(*row.tensors()), layer(*row.tensors()))


@named(TABLE)
@pytest.mark.parametrize("policy", POLICIES[1:])
def test_mixed_precision(row, policy):
    reference, mixed = row.make(), row.make(dtype=policy)
    assert {variable.dtype for variable in mixed.variables} == {"float32"}
    inputs = row.tensors()
    expected = np.asarray(reference(*inputs, **row.keywords))
    if row.own_dtype and row.kind is not StyleModulation:
        inputs[0] = tf.cast(inputs[0], mixed.compute_dtype)
    output = mixed(*inputs, **row.keywords)
    assert output.dtype == (inputs[0].dtype if row.own_dtype else tf.float32)
    output = np.asarray(tf.cast(output, tf.float32))
    assert np.isfinite(output).all()
    assert relative(output, expected) <= tolerances.HALF[policy]


@named(TABLE)
@pytest.mark.parametrize("policy", POLICIES)
def test_second_derivative(row, policy):
    """|d mean(output^2) / d inputs|^2 has a finite gradient by every variable, as the penalties need it."""
    made, inputs = row.make(dtype=policy), row.tensors()
    randomize(made)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            total = tf.reduce_mean(tf.square(tf.cast(made(*inputs, **row.keywords), tf.float32)))
        gradients = inner.gradient(total, inputs)
        squared = tf.add_n([tf.reduce_sum(tf.square(gradient)) for gradient in gradients if gradient is not None])
    second = outer.gradient(squared, [variable.value for variable in made.trainable_variables])
    for variable, gradient in zip(made.trainable_variables, second, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path
    assert any(np.any(gradient) for gradient in second)


@pytest.fixture(scope="module")
def two_replicas():
    return Replicas(2)


@named(TABLE)
def test_one_and_two_replicas(row, two_replicas):
    alone = row.make()
    with two_replicas.scope():
        shared = row.make()
    inputs = row.tensors()
    expected = np.asarray(alone(*inputs, **row.keywords))
    results = two_replicas.run(lambda: shared(*inputs, **row.keywords))
    for one, other in zip(alone.variables, shared.variables, strict=True):
        for copy in two_replicas.strategy.experimental_local_results(other.value):
            assert np.array_equal(copy, one)
    outputs = two_replicas.strategy.experimental_local_results(results)
    assert len(outputs) == 2
    for output in outputs:
        assert relative(output, expected) <= tolerances.REPLICAS

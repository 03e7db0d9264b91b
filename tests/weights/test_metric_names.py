"""Foreign names of the weights of metrics' networks, and batch norm folded by hand."""

import formula_weights
import numpy as np
import pytest

from stylegan_tf.errors import UserError
from stylegan_tf.weights import metric_names
from stylegan_tf.weights.metric_names import check, inception_arrays, listed, lpips_arrays, translated

# The scopes of convolutions in TensorFlow's graph of 2015-12-05.
GRAPH = {
    "": "conv conv_1 conv_2 conv_3 conv_4",
    "mixed/ mixed_1/ mixed_2/": "conv tower/conv tower/conv_1 tower_1/conv tower_1/conv_1 tower_1/conv_2 tower_2/conv",
    "mixed_3/": "conv tower/conv tower/conv_1 tower/conv_2",
    "mixed_4/ mixed_5/ mixed_6/ mixed_7/": "conv tower/conv tower/conv_1 tower/conv_2 tower_1/conv tower_1/conv_1 "
    "tower_1/conv_2 tower_1/conv_3 tower_1/conv_4 tower_2/conv",
    "mixed_8/": "tower/conv tower/conv_1 tower_1/conv tower_1/conv_1 tower_1/conv_2 tower_1/conv_3",
    "mixed_9/ mixed_10/": "conv tower/conv tower/mixed/conv tower/mixed/conv_1 tower_1/conv tower_1/conv_1 "
    "tower_1/mixed/conv tower_1/mixed/conv_1 tower_2/conv",
}
PARTS = ("conv2d_params", *(f"batchnorm/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")))


def graph_names() -> list[str]:
    scopes = [
        f"{block}{scope}"
        for blocks, inside in GRAPH.items()
        for block in (blocks.split() or [""])
        for scope in inside.split()
    ]
    return [f"{scope}/{part}" for scope in scopes for part in PARTS] + ["softmax/weights", "softmax/biases"]


def test_every_name_of_the_graph_of_2015():
    state, unknown = translated({name: np.zeros((1, 1, 1, 1)) for name in graph_names()}, "inception")
    counters = {name for name in formula_weights.inception_state() if name.endswith("num_batches_tracked")}
    assert state.keys() == formula_weights.inception_state().keys() - counters
    assert unknown == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv_3/conv2d_params", "Conv2d_3b_1x1.conv.weight"),
        ("InceptionV3/mixed_1/tower/conv_1/batchnorm/beta", "Mixed_5c.branch5x5_2.bn.bias"),
        ("mixed_3/tower/conv/batchnorm/moving_variance", "Mixed_6a.branch3x3dbl_1.bn.running_var"),
        ("mixed_7/tower_1/conv_4/conv2d_params", "Mixed_6e.branch7x7dbl_5.conv.weight"),
        ("mixed_8/tower_1/conv_3/batchnorm/gamma", "Mixed_7a.branch7x7x3_4.bn.weight"),
        ("mixed_9/tower/mixed/conv_1/conv2d_params", "Mixed_7b.branch3x3_2b.conv.weight"),
        ("mixed_10/tower_1/mixed/conv/batchnorm/moving_mean", "Mixed_7c.branch3x3dbl_3a.bn.running_mean"),
    ],
)
def test_names_of_inception(name, expected):
    state, unknown = translated({name: np.zeros(3)}, "inception")
    assert expected in state
    assert unknown == []


@pytest.mark.parametrize(
    "name",
    [
        *("lod", "conv_5/conv2d_params", "mixed_11/conv/conv2d_params", "mixed/conv_1/conv2d_params", "conv/weights"),
        *("mixed_8/conv/conv2d_params", "mixed_3/tower_1/conv/conv2d_params", "logits/weights", ""),
    ],
)
def test_names_that_inception_does_not_have(name):
    assert translated({name: np.zeros(3)}, "inception") == ({}, [name])


def test_names_of_vgg16():
    given = {"vgg/conv1_2/weight": np.zeros((3, 3, 64, 64)), "conv5_3/bias": np.zeros(512), "lin4": np.zeros(512)}
    state, unknown = translated(given | {"conv1_3/weight": np.zeros(1), "fc6/weight": np.zeros(1)}, "lpips")
    shapes = {name: array.shape for name, array in state.items()}
    assert shapes == {
        "features.2.weight": (64, 64, 3, 3),
        "features.28.bias": (512,),
        "lin4.model.1.weight": (1, 512, 1, 1),
    }
    assert unknown == ["conv1_3/weight", "fc6/weight"]


def test_layouts_and_a_batch_norm_without_gamma():
    kernel = np.arange(24.0).reshape(1, 2, 3, 4)  # [height, width, in, out]
    weights = np.arange(6.0).reshape(2, 3)
    given = {"conv/conv2d_params": kernel, "softmax/weights": weights, "conv/batchnorm/beta": np.float32([5, 6])}
    state, _ = translated(given, "inception")
    assert state["Conv2d_1a_3x3.conv.weight"].shape == (4, 3, 1, 2)
    assert state["Conv2d_1a_3x3.conv.weight"][3, 2, 0, 1] == kernel[0, 1, 2, 3]
    assert state["fc.weight"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert state["Conv2d_1a_3x3.bn.weight"].tolist() == [1, 1]


def test_two_names_for_one_tensor():
    given = {"conv/batchnorm/beta": np.zeros(2), "scope/conv/batchnorm/beta": np.zeros(2)}
    assert translated(given, "inception")[1] == ["scope/conv/batchnorm/beta"]


SHAPES = {"a/b/vars/0": (1, 1, 2, 1), "a/b/vars/1": (1,), "fc/vars/0": (1, 2), "fc/vars/1": (2,)}


def small() -> dict[str, np.ndarray]:
    """One convolution of two channels to one, and two classes."""
    return {
        "a.b.conv.weight": np.float32([[[[2]], [[4]]]]),
        "a.b.bn.weight": np.float32([3]),
        "a.b.bn.bias": np.float32([10]),
        "a.b.bn.running_mean": np.float32([5]),
        "a.b.bn.running_var": np.float32([2.249]),  # with the epsilon of 0.001 the root is 1.5
        "a.b.bn.num_batches_tracked": np.int64(0),
        "AuxLogits.conv0.conv.weight": np.zeros((2, 2), np.float32),
        "fc.weight": np.float32([[7], [8]]),
        "fc.bias": np.float32([1, 2]),
    }


def test_batch_norm_by_hand():
    arrays = inception_arrays(small(), SHAPES)
    assert arrays["a/b/vars/0"].ravel() == pytest.approx([4, 8])  # times 3 / 1.5
    assert arrays["a/b/vars/1"] == pytest.approx([0], abs=1e-5)  # 10 - 5 x 3 / 1.5
    assert arrays["fc/vars/0"].tolist() == [[7, 8]]
    assert arrays["fc/vars/1"].tolist() == [1, 2]
    assert arrays.keys() == SHAPES.keys()


def refused(change: dict) -> str:
    state = {name: array for name, array in (small() | change).items() if array is not None}
    with pytest.raises(UserError) as caught:
        inception_arrays(state, SHAPES)
    return str(caught.value)


def test_tensors_that_do_not_fit():
    assert refused({"fc.bias": None}) == "it lacks fc.bias"
    assert refused({"more": np.zeros(1)}) == "it has more, and the network no place for that"
    assert refused({"fc.bias": np.float32([1])}) == "its fc.bias has the shape [1], not [2]"
    assert "its fc.bias holds float64" in refused({"fc.bias": np.float64([1, 2])})
    assert "not finite" in refused({"fc.bias": np.float32([1, np.nan])})
    assert "running_var is negative" in refused({"a.b.bn.running_var": np.float32([-1])})


def test_vgg16_and_its_classifier():
    shapes = {f"vars/{k}": (2,) for k in range(5)}
    state = {f"lin{k}.model.1.weight": np.float32([k, 1]).reshape(1, 2, 1, 1) for k in range(5)}
    for layer, place in metric_names.VGG16.items():
        shapes |= {f"{layer}/vars/0": (3, 3, 1, 2), f"{layer}/vars/1": (2,)}
        state[f"features.{place}.weight"] = np.full((2, 1, 3, 3), place, np.float32)
        state[f"features.{place}.bias"] = np.full(2, -place, np.float32)
    state["classifier.0.weight"] = np.zeros(5, np.float32)
    arrays = lpips_arrays(state, shapes)
    assert arrays.keys() == shapes.keys()
    assert arrays["vars/3"].tolist() == [3, 1]
    assert arrays["conv5_1/vars/0"].shape == (3, 3, 1, 2)
    assert (arrays["conv5_1/vars/0"] == 24).all()
    assert arrays["conv2_2/vars/1"].tolist() == [-7, -7]


def test_long_lists_and_control_characters():
    assert listed([f"n{index}" for index in range(40)]).endswith("n11, ... (40 in all)")
    assert listed(["a\x1b[31m"]) == r"a\x1b[31m"


def test_check_needs_nothing_else():
    check({"a": np.float32([1])}, {"a": (1,)}, "b.*")
    with pytest.raises(UserError, match="it has c"):
        check({"a": np.float32([1]), "c": np.float32([1])}, {"a": (1,)}, "b.*")

"""Counts worked by hand: twice the multiply-adds, and nothing that TensorFlow would prune."""

import pytest
import tensorflow as tf
from refusals import raises

from benchmarks.flops import count

IMAGES = tf.TensorSpec((2, 8, 8, 3))
KERNEL = tf.TensorSpec((3, 3, 3, 5))
CONVOLUTION = 2 * (2 * 8 * 8 * 5) * (3 * 3 * 3)  # 2 x outputs x taps = 34560


def convolve(x, kernel, stride=1):
    return tf.nn.conv2d(x, kernel, stride, "SAME")


def counted(function, *arguments):
    return dict(count(tf.function(function).get_concrete_function(*arguments)))


def test_convolution_by_stride():
    assert counted(convolve, IMAGES, KERNEL) == {"Conv2D": 34560}
    assert counted(lambda x, k: convolve(x, k, 2), IMAGES, KERNEL) == {"Conv2D": 34560 // 4}


def test_transposed_convolution_is_the_gradient_of_the_one_with_stride():
    def upscale(x, kernel):
        return tf.nn.conv2d_transpose(x, kernel, (2, 8, 8, 3), 2)

    # Every one of the 2 x 4 x 4 inputs of 5 channels meets the 3 x 3 x 3 kernel.
    found = counted(upscale, tf.TensorSpec((2, 4, 4, 5)), KERNEL)
    assert found == {"Conv2DBackpropInput": 2 * (2 * 4 * 4 * 5) * 27}


def test_depthwise_convolution_and_its_gradients():
    def gradients(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "SAME")
        return y, tape.gradient(y, [x, kernel])

    once = 2 * (2 * 8 * 8 * 3 * 4) * 9  # each of the 3 x 4 channels sees one channel of the picture
    found = counted(gradients, IMAGES, tf.TensorSpec((3, 3, 3, 4)))
    assert found == {
        "DepthwiseConv2dNative": once,
        "DepthwiseConv2dNativeBackpropInput": once,
        "DepthwiseConv2dNativeBackpropFilter": once,
    }


@pytest.mark.parametrize(
    "a, b, flags", [((4, 5), (5, 6), {}), ((5, 4), (6, 5), {"transpose_a": True, "transpose_b": True})]
)
def test_matrix_product(a, b, flags):
    found = counted(lambda x, y: tf.matmul(x, y, **flags), tf.TensorSpec(a), tf.TensorSpec(b))
    assert found == {"MatMul": 2 * 4 * 5 * 6}


def test_batch_of_matrix_products():
    once = {"BatchMatMulV2": 7 * 2 * 4 * 5 * 6}
    assert counted(tf.matmul, tf.TensorSpec((7, 4, 5)), tf.TensorSpec((7, 5, 6))) == once
    turned = counted(lambda x, y: tf.matmul(x, y, adjoint_a=True), tf.TensorSpec((7, 5, 4)), tf.TensorSpec((7, 5, 6)))
    assert turned == once


def test_gradient_leaves_out_the_one_that_nobody_asked_for():
    def kernel_gradient(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            loss = tf.reduce_sum(convolve(x, kernel) ** 2)
        return tape.gradient(loss, kernel)

    assert counted(kernel_gradient, IMAGES, KERNEL) == {"Conv2D": CONVOLUTION, "Conv2DBackpropFilter": CONVOLUTION}


def test_second_gradient():
    def penalty_gradient(x, kernel):
        with tf.GradientTape() as outer:
            outer.watch(kernel)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(convolve(x, kernel) ** 2)
            penalty = tf.reduce_sum(inner.gradient(loss, x) ** 2)
        return outer.gradient(penalty, kernel)

    # y = x * k, then dx = 2 y * k turned. Backwards, dx leads to k, and to y by a convolution, and y to k.
    assert counted(penalty_gradient, IMAGES, KERNEL) == {
        "Conv2D": 2 * CONVOLUTION,
        "Conv2DBackpropInput": CONVOLUTION,
        "Conv2DBackpropFilter": 2 * CONVOLUTION,
    }


def test_nested_function_counts_each_call_and_only_outputs_in_use():
    @tf.function
    def both(x, kernel):
        return convolve(x, kernel), convolve(x, kernel, 2)

    def nested(x, kernel):
        first, _ = both(x, kernel)
        _, second = both(first[..., :3], kernel)
        return second

    # The first call's small output and the second call's large one are not used.
    assert counted(nested, IMAGES, KERNEL) == {"Conv2D": CONVOLUTION + CONVOLUTION // 4}


def test_argument_that_only_an_unused_output_needs_is_not_computed():
    @tf.function
    def pair(x, y):
        return x + 1, y + 1

    assert counted(lambda x, kernel: pair(x, convolve(x, kernel))[0], IMAGES, KERNEL) == {}


def test_side_effects_count_and_unused_results_do_not():
    total = tf.Variable(0.0)

    def stepped(x, kernel):
        total.assign_add(tf.reduce_sum(convolve(x, kernel)))
        convolve(x, kernel, 2)
        return 1

    assert counted(stepped, IMAGES, KERNEL) == {"Conv2D": CONVOLUTION}


def test_condition_counts_its_costlier_branch():
    def either(condition, x, kernel):
        return tf.cond(condition, lambda: tf.reduce_sum(convolve(x, kernel)), lambda: tf.reduce_sum(x))

    def one_of(number, x, kernel):
        strides = [lambda stride=stride: tf.reduce_sum(convolve(x, kernel, stride)) for stride in (4, 2, 1)]
        return tf.switch_case(number, strides)

    assert counted(either, tf.TensorSpec((), tf.bool), IMAGES, KERNEL) == {"Conv2D": CONVOLUTION}
    assert counted(one_of, tf.TensorSpec((), tf.int32), IMAGES, KERNEL) == {"Conv2D": CONVOLUTION}


def test_what_cannot_be_known_is_an_error():
    with raises(ValueError, "Conv2D", "(None, 8, 8, 5)", "static shapes"):
        counted(convolve, tf.TensorSpec((None, 8, 8, 3)), KERNEL)
    with raises(ValueError, "while", "loop"):
        counted(
            lambda x: tf.while_loop(lambda y: y[0, 0] < 9.0, lambda y: (tf.matmul(y, y),), (x,)), tf.TensorSpec((2, 2))
        )

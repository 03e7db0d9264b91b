"""A minibatch that is computed in parts, one after the other."""

from collections.abc import Callable

import tensorflow as tf


def summed(function: Callable, parts: int):
    """function(0) + ... + function(parts - 1), structures of tensors; each is begun when the one before is done.

    In a graph that is a loop, whose body is made once. function: takes a number, or a scalar int32 tensor.
    """
    if parts == 1:
        return function(0)
    if tf.executing_eagerly():
        return tf.nest.map_structure(lambda *values: tf.add_n(values), *map(function, range(parts)))
    of_part = tf.function(function, autograph=False)
    shapes = of_part.get_concrete_function(tf.TensorSpec((), tf.int32)).structured_outputs

    def turn(number, totals):
        return number + 1, tf.nest.map_structure(tf.add, totals, of_part(number))

    first = tf.constant(0), tf.nest.map_structure(lambda like: tf.zeros(like.shape, like.dtype), shapes)
    return tf.while_loop(lambda number, _: number < parts, turn, first, parallel_iterations=1)[1]

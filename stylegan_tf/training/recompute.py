"""Units of layers whose activations are computed again where gradients need them, instead of being kept.

Of every unit only its inputs stay in memory (Chen et al. 2016, arXiv 1604.06174). tf.recompute_grad, which keras.remat
is too, refuses a gradient of a gradient, and the penalties R1, R2 and WGAN-GP are made of them; here a unit can be
differentiated twice. A unit works on each picture by itself, so it can also be computed for a few of them at a time.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf


class Recompute:
    """Computes units (networks.growing.units_by): `at_once` pictures at a time, all of them where it is 0."""

    def __init__(self, at_once: int = 0):
        self.at_once = at_once

    def __call__(self, function: Callable, variables: Sequence[keras.Variable], *tensors):
        """function(*tensors), which depends on these tensors [n, ...] and these variables alone. -> [n, ...]

        The result has the dtype of the first tensor. Gradients are those of the function, and so are their gradients
        with respect to the tensors; the gradients with respect to the variables can not be differentiated once more.
        """
        many = len(tensors)

        def unit(tensors, weights):
            with keras.StatelessScope(list(zip(variables, weights, strict=True))):
                return function(*tensors)

        def slopes(tensors, weights, dy):
            """Gradients of dy times the unit's output, with respect to tensors and weights."""
            sources = [*tensors, *weights]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                y = unit(tensors, weights)
            found = tape.gradient(y, sources, dy)
            return found[:many], found[many:]

        def slopes_of_slopes(tensors, weights, dy, weighed):
            """Gradients of the sum of `weighed` times the slopes of the tensors, with respect to all they depend on."""
            sources = [*tensors, dy, *weights]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                with tf.GradientTape(watch_accessed_variables=False) as inner:
                    inner.watch(tensors)
                    y = unit(tensors, weights)
                slopes = inner.gradient(y, tensors, dy)
            found = tape.gradient(slopes, sources, weighed)
            return found[: many + 1], found[many + 1 :]

        @tf.custom_gradient
        def run(*arguments):
            tensors, weights = arguments[:many], arguments[many:]
            ((y,), _) = self._in_slices(lambda *own: ([unit(own, weights)], []), tensors, [tensors[0].dtype])

            def gradient(dy):
                dtypes = [tensor.dtype for tensor in tensors]
                own, held = _after(dy, tensors, weights)
                of_tensors, of_weights = self._in_slices(
                    lambda dy, *own: slopes(own, held, dy), (dy, *own), dtypes, weights
                )

                @tf.custom_gradient
                def twice(dy, *arguments):
                    def second(*weighed):
                        own, held = _after(weighed[0], arguments[:many], arguments[many:])
                        of_rows, of_weights = self._in_slices(
                            lambda dy, *own: slopes_of_slopes(own[:many], held, dy, own[many:]),
                            *((dy, *own, *weighed), [*dtypes, dy.dtype], weights),
                        )
                        return [of_rows[-1], *of_rows[:-1], *of_weights]

                    return of_tensors, second

                return [*twice(dy, *arguments), *of_weights]

            return y, gradient

        return run(*tensors, *(tf.convert_to_tensor(variable.value) for variable in variables))

    def _in_slices(self, function: Callable, tensors: Sequence, dtypes: Sequence, sums: Sequence = ()):
        """function(*tensors) -> (results [n, ...], results to be summed), for `at_once` rows of the tensors at a time.

        dtypes: Of the results [n, ...]. sums: Tensors like those that are summed. None stays None.
        """
        count = tensors[0].shape[0]
        if not self.at_once or count <= self.at_once:
            return function(*tensors)
        turns = count // self.at_once
        found: list = []  # of one turn, to know which are None

        def turn(number, arrays, totals):
            first = number * self.at_once
            found[:] = function(*(tensor[first : first + self.at_once] for tensor in tensors))
            arrays = [
                array if rows is None else array.write(number, rows)
                for array, rows in zip(arrays, found[0], strict=True)
            ]
            totals = [total if more is None else total + more for total, more in zip(totals, found[1], strict=True)]
            return number + 1, arrays, totals

        arrays = [tf.TensorArray(dtype, turns, infer_shape=False) for dtype in dtypes]
        first = (tf.constant(0), arrays, [tf.zeros_like(like) for like in sums])
        _, arrays, totals = tf.while_loop(lambda number, *_: number < turns, turn, first, parallel_iterations=1)
        joined = [
            None if rows is None else tf.ensure_shape(array.concat(), (count, *rows.shape[1:]))
            for array, rows in zip(arrays, found[0], strict=True)
        ]
        return joined, [None if more is None else total for total, more in zip(totals, found[1], strict=True)]


def _after(tensor, *groups: Sequence) -> list[list]:
    """The tensors of the groups, to be had when `tensor` is there.

    So a graph computes a unit again no earlier than it must; and does not take what it computed the first time, because
    ops with other control inputs are other ops.
    """
    with tf.control_dependencies([tensor]):
        return [[tf.identity(one) for one in group] for group in groups]

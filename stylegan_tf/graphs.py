"""Functions of a network as graphs, which TensorFlow and JAX run without asking Python for every operation.

Networks are written in keras.ops alone; what tf.function and jax.jit ask for beyond that is here.
"""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import keras
from keras import ops, tree


def available() -> bool:
    """Whether the backend of Keras has graphs here: TensorFlow and JAX do, PyTorch's functions are called as they are.

    torch.compile would need a C++ compiler on the user's machine.
    """
    return keras.backend.backend() in ("tensorflow", "jax")


class Graph:
    """`function` as graphs: the same numbers up to rounding, and the same errors, without Python's time.

    Arrays, tensors, lists of them, and floats are inputs of a graph, in float32; whole numbers, strings, booleans and
    None choose it. There is one for each choice and each shape but for the first axis, which may have any length
    (with JAX one for each length). Variables are read whenever it runs, so what is assigned to them is seen.

    Args:
        network: The Keras layer whose variables the function reads.
        function: Takes positional arguments and returns tensors. It must not keep any.
    """

    def __init__(self, network: keras.Layer, function: Callable):
        self.network, self.function = network, function
        self._made: dict[tuple, Callable] = {}

    @property
    def count(self) -> int:
        """How many graphs have been made."""
        return len(self._made)

    def __call__(self, *arguments: Any) -> Any:
        if not available():
            return self.function(*arguments)
        arguments = tuple(tuple(part) if isinstance(part, list) else part for part in arguments)
        leaves = [
            leaf if _chooses(leaf) else ops.convert_to_tensor(leaf, "float32") for leaf in tree.flatten(arguments)
        ]
        inputs = [leaf for leaf in leaves if not _chooses(leaf)]
        lists = tuple(len(part) if isinstance(part, tuple) else -1 for part in arguments)
        key = (lists, *(leaf if _chooses(leaf) else tuple(leaf.shape[1:]) + (len(leaf.shape),) for leaf in leaves))
        if key not in self._made:
            self._made[key] = self._make(arguments, leaves, inputs)
        return self._made[key](*inputs)

    def _make(self, arguments: tuple, leaves: Sequence, inputs: Sequence) -> Callable:
        """inputs -> what the function returns for them in the places of `leaves` that are no choices."""
        # Inputs are of one call, and not to be kept.
        leaves = [leaf if _chooses(leaf) else 0.0 for leaf in leaves]
        structure = tree.pack_sequence_as(arguments, leaves)

        def function(*values):
            each = iter(values)
            filled = [leaf if _chooses(leaf) else next(each) for leaf in leaves]
            return self.function(*tree.pack_sequence_as(structure, filled))

        try:
            return _tensorflow(function, inputs) if keras.backend.backend() == "tensorflow" else self._jax(function)
        except ValueError as error:
            refused = error
        self.function(*arguments)  # says the same with the length of the first axis, which a graph does not know
        raise refused

    def _jax(self, function: Callable) -> Callable:
        """Variables are arguments there, because JAX would take their values of now for good."""
        import jax

        variables = self.network.variables

        @jax.jit
        def stateless(values, *inputs):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return function(*inputs)

        return lambda *inputs: stateless([variable.value for variable in variables], *inputs)


def _chooses(leaf: Any) -> bool:
    return leaf is None or isinstance(leaf, (str, Integral))


def _tensorflow(function: Callable, inputs: Sequence) -> Callable:
    import tensorflow as tf

    any_length = [tf.TensorSpec([None, *one.shape[1:]] if one.shape.rank else [], tf.float32) for one in inputs]
    # autograph would rewrite what is called, and wrap what is raised in it.
    return tf.function(function, autograph=False).get_concrete_function(*any_length)

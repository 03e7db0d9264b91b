"""Floating-point operations of a traced tf.function: its convolutions and matrix products, from their static shapes.

A multiply-add is two operations. Taps that fall on the zeros of the padding count, as in every published figure. What
TensorFlow prunes does not count: only what the outputs and the side effects depend on is walked.
"""

from collections import Counter
from collections.abc import Callable, Iterable

import tensorflow as tf

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
BRANCHES = ("If", "StatelessIf", "Case", "StatelessCase")
LOOPS = ("While", "StatelessWhile")


def count(function) -> Counter[str]:
    """Operations of one call of a concrete function, by the type of op (Conv2D, MatMul, ...).

    Raises ValueError where they cannot be known: a loop, or an op whose shapes are only known when it runs.
    """
    return _walk(function.graph, range(len(function.graph.outputs)))[0]


def _walk(graph, wanted: Iterable[int]) -> tuple[Counter[str], set[int]]:
    """Of a graph whose outputs number `wanted` are used: the operations, and the numbers of the inputs it needs."""
    graph_inputs = {tensor.ref(): number for number, tensor in enumerate(graph.inputs)}
    used = [graph.outputs[number] for number in wanted]
    waiting = [op for op in graph.get_operations() if op.op_def.is_stateful] + [tensor.op for tensor in used]
    total: Counter[str] = Counter()
    reached, needed = {tensor.ref() for tensor in used}, set()
    # Users come after what they use, so backwards every op is met when all that it is used for is known.
    alive = set(waiting)
    for op in reversed(graph.get_operations()):
        if op not in alive:
            continue
        inner, arguments = _operations(op, [number for number, t in enumerate(op.outputs) if t.ref() in reached])
        total += inner
        for tensor in (op.inputs[number] for number in arguments):
            reached.add(tensor.ref())
            alive.add(tensor.op)
        alive.update(op.control_inputs)
        needed |= {graph_inputs[tensor.ref()] for tensor in op.outputs if tensor.ref() in graph_inputs}
    return total, needed


def _operations(op, wanted: list[int]) -> tuple[Counter[str], Iterable[int]]:
    """Of one op whose outputs number `wanted` are used: its operations, and the numbers of the inputs it needs."""
    if op.type in LOOPS:
        raise ValueError(f"{op.name} is a loop: how often it runs is not in the graph")
    if op.type in CALLS:
        return _walk(_function(op, op.get_attr("f").name), wanted)
    if op.type in BRANCHES:
        return _costliest_branch(op, wanted)
    cost = COSTS.get(op.type)
    return Counter({op.type: cost(op)} if cost else {}), range(len(op.inputs))


def _costliest_branch(op, wanted: list[int]) -> tuple[Counter[str], Iterable[int]]:
    if "If" in op.type:
        names = [op.get_attr(branch).name for branch in ("then_branch", "else_branch")]
    else:
        names = [branch.name for branch in op.get_attr("branches")]
    walked = [_walk(_function(op, name), wanted) for name in names]
    needed = {0}.union(*({number + 1 for number in inner} for _, inner in walked))  # input 0 is the condition
    return max((counts for counts, _ in walked), key=lambda counts: counts.total()), needed


def _function(op, name: str):
    return op.graph._get_function(name).graph


def _elements(op, shape: tf.TensorShape) -> int:
    if not shape.is_fully_defined():
        raise ValueError(f"{op.type} {op.name} has the shape {shape}: trace the function with static shapes")
    return shape.num_elements()


def _convolution(op, kernel: tf.TensorShape, output: tf.TensorShape) -> int:
    """Forward and both gradients alike. kernel: [kh, kw, in / groups, out], output: [N, H, W, out]."""
    return 2 * _elements(op, output) * _elements(op, kernel[:-1])


def _depthwise(op, kernel: tf.TensorShape, output: tf.TensorShape) -> int:
    """kernel: [kh, kw, in, multiplier], output: [N, H, W, in * multiplier]."""
    return 2 * _elements(op, output) * _elements(op, kernel[:2])


def _product(op) -> int:
    """[..., m, k] x [..., k, n]: 2 m n k for each of the products."""
    transposed = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
    inner = op.inputs[0].shape[-2 if transposed else -1]
    return 2 * _elements(op, op.outputs[0].shape) * _elements(op, tf.TensorShape([inner]))


# Where an op has its kernel and the output of the forward convolution (or the gradient of that shape).
COSTS: dict[str, Callable[..., int]] = {
    "Conv2D": lambda op: _convolution(op, op.inputs[1].shape, op.outputs[0].shape),
    "Conv2DBackpropInput": lambda op: _convolution(op, op.inputs[1].shape, op.inputs[2].shape),
    "Conv2DBackpropFilter": lambda op: _convolution(op, op.outputs[0].shape, op.inputs[2].shape),
    "DepthwiseConv2dNative": lambda op: _depthwise(op, op.inputs[1].shape, op.outputs[0].shape),
    "DepthwiseConv2dNativeBackpropInput": lambda op: _depthwise(op, op.inputs[1].shape, op.inputs[2].shape),
    "DepthwiseConv2dNativeBackpropFilter": lambda op: _depthwise(op, op.outputs[0].shape, op.inputs[2].shape),
    "MatMul": _product,
    "BatchMatMulV2": _product,
}

"""Every random number of training, as a function of (seed, index of the sample, purpose).

Sample `nimg + row` is the row'th picture of the minibatch that starts when nimg pictures have been shown. Its numbers
do not depend on how many replicas there are, on which one computes it, nor on whether the run was interrupted: the
counter-based generator Philox (Salmon et al. 2011) is started at a counter made of the sample's index, with a key made
of seed and purpose.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

PHILOX = 1  # tf.random.Algorithm.PHILOX
BLOCK = 4  # float32 numbers per step of Philox's counter


@dataclass(frozen=True)
class Rows:
    """The rows of a minibatch that one replica computes: whole groups of the minibatch standard deviation.

    Group m of M = minibatch / group holds the rows m, m + M, m + 2 M, ...; replica r of R gets the groups r M / R to
    (r + 1) M / R. Its rows are kept in ascending order, which makes its own part strided in the same way.
    """

    minibatch: int
    group: int = 1
    replicas: int = 1
    replica: Any = 0  # an int, or a scalar integer tensor

    def __post_init__(self):
        if self.minibatch % (self.group * self.replicas):
            raise ValueError(
                f"a minibatch of {self.minibatch} cannot be shared by {self.replicas} replicas in whole groups of "
                f"{self.group}: use a minibatch divisible by {self.group * self.replicas}"
            )

    def part(self, number, parts: int) -> "Rows":
        """One of the `parts` that these rows can be divided into again, `number` 0 to parts - 1, an int or a tensor."""
        return Rows(self.minibatch, self.group, self.replicas * parts, self.replica * parts + number)

    def within(self, number, parts: int):
        """Where the rows of that part stand among these: numbers 0 to count - 1."""
        return Rows(self.count, self.group, parts, number).numbers()

    @property
    def count(self) -> int:
        """Rows of this replica."""
        return self.minibatch // self.replicas

    def starts(self) -> list:
        """First rows of the runs of `count / group` neighbouring rows that this replica computes."""
        stride, run = self.minibatch // self.group, self.count // self.group
        return [member * stride + self.replica * run for member in range(self.group)]

    def numbers(self):
        """All rows of this replica. [count], int64 tensor if `replica` is a tensor, else a list."""
        run = self.count // self.group
        if isinstance(self.replica, int):
            return [start + row for start in self.starts() for row in range(run)]
        return tf.concat([tf.cast(start, tf.int64) + tf.range(run, dtype=tf.int64) for start in self.starts()], axis=0)


def normal(seed: int, purpose: str, nimg, rows: Rows, shape: tuple[int, ...]) -> tf.Tensor:
    """N(0, 1) for each row. -> [rows.count, *shape] float32. nimg: integer or scalar int64 tensor."""
    return _draw(tf.raw_ops.StatelessRandomNormalV2, seed, purpose, nimg, rows, shape)


def uniform(seed: int, purpose: str, nimg, rows: Rows, shape: tuple[int, ...] = ()) -> tf.Tensor:
    """U[0, 1) for each row. -> [rows.count, *shape] float32."""
    return _draw(tf.raw_ops.StatelessRandomUniformV2, seed, purpose, nimg, rows, shape)


def mirrored(seed: int, nimg, rows: Rows) -> tf.Tensor:
    """Whether each real picture is shown left-right mirrored. -> booleans [rows.count]."""
    return uniform(seed, "mirror", nimg, rows) < 0.5


def cutoffs(seed: int, purpose: str, nimg, rows: Rows, shares: int, layers: int, probability: float) -> tf.Tensor:
    """First layer that takes the second latent's style, per row (paper sec. 3.1). -> int32 [rows.count].

    One number for each of the `shares` parts of the minibatch: with `probability` uniform in 1 .. layers - 1, else
    `layers`, which mixes nothing. Share s holds the stddev groups s M / shares to (s + 1) M / shares.
    """
    each = uniform(seed, purpose, nimg, Rows(shares), (2,))
    inner = 1 + tf.cast(each[:, 1] * (layers - 1), tf.int32)
    each = tf.where(each[:, 0] < probability, tf.minimum(inner, layers - 1), layers)
    return tf.gather(each, share_of(rows, shares))


def share_of(rows: Rows, shares: int) -> tf.Tensor:
    """Number of the share that each row belongs to. -> int64 [rows.count]."""
    groups = rows.minibatch // rows.group
    return tf.cast(rows.numbers(), tf.int64) % groups * shares // groups


def _draw(operation, seed, purpose, nimg, rows, shape):
    size = 1
    for side in shape:
        size *= side
    blocks = -(-size // BLOCK)
    # All rows of the minibatch are one run, however they are grouped.
    starts = [0] if rows.replicas == 1 else rows.starts()
    run = rows.count // len(starts)
    parts = []
    for start in starts:
        first = (tf.cast(nimg, tf.int64) + tf.cast(start, tf.int64)) * blocks
        counter = tf.bitcast(tf.stack([first, tf.zeros_like(first)]), tf.uint64)
        parts.append(operation(shape=(run, blocks * BLOCK), key=_key(seed, purpose), counter=counter, alg=PHILOX))
    numbers = parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)
    return tf.reshape(numbers[:, :size], (rows.count, *shape))


def _key(seed: int, purpose: str) -> tf.Tensor:
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return tf.constant([int.from_bytes(digest[:8], "little")], tf.uint64)

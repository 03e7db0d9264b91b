"""Batches of real pictures for one stage, in an order that is a function of (seed, pictures shown).

Each epoch is a permutation of the whole set, seeded by (seed, epoch), and sample number s of the run is the picture at
place s mod N of epoch s // N: a resumed run sees the pictures that an uninterrupted one would have seen, whatever
the minibatches and the number of replicas. (The official code shuffles within a window of 4 GB and forgets its place.)
"""

import functools
from contextlib import suppress

import numpy as np
import tensorflow as tf

from stylegan_tf import draws
from stylegan_tf.data.layout import DataSet
from stylegan_tf.data.reading import read_pictures
from stylegan_tf.devices import Replicas
from stylegan_tf.draws import Rows
from stylegan_tf.errors import UserError

PREFETCH = 8  # batches per replica that are read ahead
OF_A_PICTURE = tf.errors.UnknownError, tf.errors.InvalidArgumentError  # what becomes of a reader's error


class Feed:
    """Endless iterator of minibatches: (pictures, their labels, labels for the G step), one part per replica.

    Pictures are uint8 [n, H, W, C], labels float32 [n, label_size]. Those for the G step are random rows of the data
    set's (official get_random_labels_tf), drawn here so that no graph holds the labels of the whole set.
    first: samples shown before. rows: of any replica; those of the others follow from it.

    To be closed before it is given up: TensorFlow's iterator waits for its threads while it is freed, and a thread that
    is about to read a picture waits for Python, which frees the iterator.
    """

    def __init__(self, reader: "Reader", seed: int, first: int, rows: Rows, replicas: Replicas):
        self.reader = reader
        self.iterator = replicas.distribute(
            lambda turns: batches(reader, seed, first, rows, turns).prefetch(PREFETCH * len(replicas.devices))
        )

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return next(self.iterator)
        except tf.errors.OpError:
            if self.reader.error:  # TensorFlow has made a traceback of it
                raise self.reader.error from None
            raise

    def close(self) -> None:
        """Ends it, and returns when nothing is being read any more."""
        self.reader.is_closed = True
        with suppress(StopIteration, tf.errors.OpError):  # its end, behind which several devices would be waited for
            for _ in range(2 * PREFETCH):  # more than may lie between the reader and here
                with suppress(*OF_A_PICTURE):
                    next(self.iterator)


class Reader:
    """Pictures of one level by their number, from any thread. `error`: what the first unreadable one said.

    label_size: columns of the data set's labels that are used; 0: labels are [n, 0]. is_closed: no more are wanted.
    """

    def __init__(self, data_set: DataSet, stage: int, label_size: int):
        self.path = data_set.path(stage)
        self.starts, self.lengths = data_set.index(stage)
        self.shape = (2**stage, 2**stage, data_set.channels)
        self.planes = (data_set.channels, 2**stage, 2**stage)
        labels = data_set.labels if label_size else None
        self.labels = np.zeros((len(self.starts), 0), np.float32) if labels is None else labels[:, :label_size]
        self.error: UserError | None = None
        self.is_closed = False
        self.file = open(self.path, "rb", buffering=0)  # noqa: SIM115 (closed with the reader)

    def __del__(self):
        if hasattr(self, "file"):
            self.file.close()

    def read(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(uint8 [n, H, W, C], float32 [n, label_size]) of the pictures of these numbers."""
        try:
            pictures = read_pictures(self.file, self.starts[numbers], self.lengths[numbers], self.planes)
        except UserError as error:
            self.error = error
            raise
        return np.ascontiguousarray(pictures.transpose(0, 2, 3, 1)), self.labels[numbers]


def batches(reader: Reader, seed: int, first: int, rows: Rows, turns: tf.data.Dataset) -> tf.data.Dataset:
    """The batches of these turns, int64: of replica 0, 1, ... of the first minibatch, then of the next."""
    count, of_labels = len(reader.starts), (rows.count, reader.labels.shape[1])

    def read(samples, uniform):
        pictures, labels = reader.read(pictures_of(samples, seed, count))
        return pictures, labels, reader.labels[random_rows(uniform, count)]

    @tf.autograph.experimental.do_not_convert  # there is nothing in it that would have to be
    def load(turn):
        nimg = first + turn // rows.replicas * rows.minibatch
        own = Rows(rows.minibatch, rows.group, rows.replicas, turn % rows.replicas)
        inputs = [nimg + own.numbers(), draws.uniform(seed, "G labels", nimg, own)]
        pictures, labels, for_G = tf.numpy_function(read, inputs, [tf.uint8, tf.float32, tf.float32], stateful=False)
        pictures = tf.ensure_shape(pictures, (rows.count, *reader.shape))
        return pictures, tf.ensure_shape(labels, of_labels), tf.ensure_shape(for_G, of_labels)

    @tf.autograph.experimental.do_not_convert
    def goes_on(turn):
        # Without a state: what has one is made one after the other where operations are deterministic.
        return tf.ensure_shape(tf.numpy_function(lambda _: not reader.is_closed, [turn], tf.bool, stateful=False), ())

    pictures = turns.take_while(goes_on).map(load, num_parallel_calls=4, deterministic=True)
    # For the strategy, which would have workers ask each other before each batch whether all have one.
    return pictures.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))


def random_rows(uniform: np.ndarray, count: int) -> np.ndarray:
    """Rows of a table of `count` from numbers in [0, 1). float32 [n] -> int64 [n]."""
    return np.minimum((uniform * np.float32(count)).astype(np.int64), count - 1)


def pictures_of(samples: np.ndarray, seed: int, count: int) -> np.ndarray:
    """Which of `count` pictures are shown as these samples of the run. int64 [n] -> int64 [n]."""
    epochs, places = np.divmod(samples, count)
    numbers = [permutation(seed, int(epoch), count)[place] for epoch, place in zip(epochs, places, strict=True)]
    return np.array(numbers, np.int64)


@functools.lru_cache(maxsize=4)
def permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    """The order of an epoch: a permutation of 0 .. count - 1. A batch may straddle two epochs, hence the cache."""
    return np.random.default_rng([seed, epoch]).permutation(count)

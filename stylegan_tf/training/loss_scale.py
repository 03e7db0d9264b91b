"""Dynamic loss scaling for float16 (Micikevicius et al. 2018; official tflib.optimizer)."""

import tensorflow as tf

START = 10.0  # log2 of the first scale. The official 64 only costs some fifty skipped steps until it has come down here
GROWTH = 0.0005  # added to log2 of the scale after a good step
BACKOFF = 1.0  # subtracted after a step whose gradients were not finite


class LossScale(tf.Module):
    """The factor 2^log2 by which one network's loss is multiplied before, and its gradients divided after, backprop.

    enabled: False: the factor is 1 for ever.
    """

    def __init__(self, enabled: bool):
        super().__init__()
        self.enabled = enabled
        self.log2 = tf.Variable(START if enabled else 0.0, trainable=False, dtype=tf.float32)

    def factor(self):
        """The factor, a float32 scalar (the number 1.0 where disabled, which costs nothing)."""
        return tf.pow(2.0, self.log2) if self.enabled else 1.0

    def after(self, finite) -> None:
        """Moves the scale after a step; `finite`: scalar boolean."""
        if self.enabled:
            self.log2.assign_add(tf.where(finite, GROWTH, -BACKOFF))

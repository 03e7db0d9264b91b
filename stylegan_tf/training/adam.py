"""Adam in one op per variable, whose step can be left out without the host looking at the gradients."""

import keras
import tensorflow as tf


class Adam(keras.optimizers.Adam):
    """Keras's Adam: theta -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon) (paper app. C).

    Keras writes a step as some dozen ops for every variable; TensorFlow's own op does the same in one. Variables,
    state and the files of checkpoints are those of keras.optimizers.Adam.
    """

    def apply(self, grads, trainable_variables=None, finite=True, factor=1.0) -> None:
        """One step with grads / factor, summed over replicas, or none: where not `finite` nothing moves, t included.

        grads: one per variable. finite: boolean scalar, the same on all replicas. factor: the loss scale.
        A branch of the graph would need `finite` on the host, twice per iteration; here the constants of a step that
        is left out are those that change nothing: betas of 1, a rate of 0.
        """
        step = tf.cast(self.iterations + 1, tf.float32)
        self._of_step = {
            "beta1_power": tf.pow(tf.constant(self.beta_1, tf.float32), step),
            "beta2_power": tf.pow(tf.constant(self.beta_2, tf.float32), step),
            "lr": tf.where(finite, tf.convert_to_tensor(self.learning_rate), 0.0),
            "beta1": tf.where(finite, self.beta_1, 1.0),
            "beta2": tf.where(finite, self.beta_2, 1.0),
        }
        keep = tf.where(finite, 1 / factor, 0.0)  # 0 times infinity is 0 in multiply_no_nan
        super().apply([tf.math.multiply_no_nan(gradient, keep) for gradient in grads], trainable_variables)
        self.iterations.assign_sub(tf.where(finite, tf.zeros_like(self.iterations), 1))  # it has been counted

    def update_step(self, gradient, variable, learning_rate):
        """The update of one variable, on the device that holds it; `learning_rate` is in `_of_step`."""
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            epsilon=self.epsilon,
            grad=gradient,
            **self._of_step,
        )

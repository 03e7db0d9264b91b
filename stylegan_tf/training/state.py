"""What training changes, apart from counters: networks, optimizers, loss scales."""

import tensorflow as tf

from stylegan_tf.configs.schema import Experiment, TrainingConfig
from stylegan_tf.devices import Replicas
from stylegan_tf.networks.kinds import make
from stylegan_tf.training.adam import Adam
from stylegan_tf.training.loss_scale import LossScale


class State:
    """The networks G, D and Gs, their optimizers and loss scales, made once per replica. Gs starts equal to G."""

    def __init__(self, experiment: Experiment, replicas: Replicas):
        training, policy = experiment.training, experiment.training.precision
        self.replicas = replicas
        with replicas.scope():
            self.G = make(experiment.G, training.seed, policy)
            self.D = make(experiment.D, training.seed, policy)
            self.Gs = make(experiment.G, training.seed, policy)
            self.G_optimizer = make_optimizer(experiment, self.G)
            self.D_optimizer = make_optimizer(experiment, self.D, lazy_correction(training))
            self.G_scale = LossScale(policy == "mixed_float16")
            self.D_scale = LossScale(policy == "mixed_float16")

    def is_finite(self) -> bool:
        """Whether all weights of G, D and Gs are finite numbers, by one sum of squares over all of them."""
        weights = [variable.value for network in (self.G, self.D, self.Gs) for variable in network.variables]
        return bool(tf.math.is_finite(tf.linalg.global_norm([tf.convert_to_tensor(weight) for weight in weights])))

    def reset_optimizers(self) -> None:
        """Forgets the moments and step counts of both optimizers (official reset_opt_for_new_lod)."""
        for optimizer in (self.G_optimizer, self.D_optimizer):
            for variable in optimizer.variables:
                if variable is not optimizer.learning_rate:
                    variable.assign(tf.zeros(variable.shape, variable.dtype))


def lazy_correction(training: TrainingConfig) -> float:
    """c = k / (k + 1) of D's Adam for penalties in every k-th step alone (StyleGAN2, Karras et al. 2020, app. B).

    There are then k + 1 steps of Adam where there were k: the learning rate is multiplied by c, and the betas are taken
    to the power c. 1 where the penalties are part of every step.
    """
    interval = training.r1_interval
    return interval / (interval + 1) if interval > 1 else 1.0


def make_optimizer(experiment: Experiment, network, correction: float = 1.0) -> Adam:
    """Adam for a network: theta -= lr sqrt(1 - beta2^t) g / (sqrt(v) + epsilon) with beta1 = 0 (paper app. C).

    correction: see lazy_correction; the learning rate is the loop's.
    """
    training = experiment.training
    optimizer = Adam(
        learning_rate=0.0,
        beta_1=training.adam_beta1**correction,
        beta_2=training.adam_beta2**correction,
        epsilon=training.adam_epsilon,
    )
    optimizer.build(network.trainable_variables)
    return optimizer

"""What training changes, apart from counters: networks, optimizers, loss scales."""

import tensorflow as tf

from stylegan_tf.configs.schema import Experiment
from stylegan_tf.networks.kinds import make
from stylegan_tf.replicas import Replicas
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
            self.D_optimizer = make_optimizer(experiment, self.D)
            self.G_scale = LossScale(policy == "mixed_float16")
            self.D_scale = LossScale(policy == "mixed_float16")

    def reset_optimizers(self) -> None:
        """Forgets the moments and step counts of both optimizers (official reset_opt_for_new_lod)."""
        for optimizer in (self.G_optimizer, self.D_optimizer):
            for variable in optimizer.variables:
                if variable is not optimizer.learning_rate:
                    variable.assign(tf.zeros(variable.shape, variable.dtype))


def make_optimizer(experiment: Experiment, network) -> Adam:
    """Adam for a network: theta -= lr sqrt(1 - beta2^t) g / (sqrt(v) + epsilon) with beta1 = 0 (paper app. C)."""
    training = experiment.training
    optimizer = Adam(
        learning_rate=0.0,
        beta_1=training.adam_beta1,
        beta_2=training.adam_beta2,
        epsilon=training.adam_epsilon,
    )
    optimizer.build(network.trainable_variables)
    return optimizer

"""One step of the discriminator, one of the generator, on all replicas, touching only the current stage's variables."""

import tensorflow as tf

from stylegan_tf import draws
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.data import reals as real_pictures
from stylegan_tf.networks.progan import ProganGenerator
from stylegan_tf.ops.blend import lerp
from stylegan_tf.training import ema, fakes, losses, penalties
from stylegan_tf.training.state import State

# Means over the minibatch, penalties before their weights, under their names in TensorBoard; then 1 for a step that
# was skipped.
D_STATISTICS = (
    *("D", "scores/real", "scores/fake", "r1_penalty", "r2_penalty", "mixed_norms", "epsilon_penalty"),
    "D_skipped",
)
G_STATISTICS = ("G", "G_skipped")


class Steps:
    """The two steps for one stage and one size of minibatch.

    Each is one graph. What changes from step to step is an argument: the pictures, nimg, fade, the learning rate.
    """

    def __init__(self, state: State, experiment: Experiment, stage: int, minibatch: int, labels=None):
        self.state, self.experiment, self.stage, self.minibatch = state, experiment, stage, minibatch
        self.labels = labels  # of the whole data set, [pictures, label_size], or None
        self.halvings = experiment.G.resolution.bit_length() - 1 - stage  # from the final picture down to this stage
        training = experiment.training
        self.group = max(1, min(experiment.D.mbstd_group_size, minibatch // training.shares))
        self.rows_in_share = minibatch // training.shares
        self.beta = ema.decay(minibatch, training.ema_half_life_kimg)
        self.d_step = tf.function(self._d_step, reduce_retracing=False)
        self.g_step = tf.function(self._g_step, reduce_retracing=False)

    def rows(self) -> draws.Rows:
        """The calling replica's rows of the minibatch."""
        replicas = self.state.replicas
        return draws.Rows(self.minibatch, self.group, replicas.count, replicas.number())

    # --- the discriminator

    def _d_step(self, pictures, labels, nimg, fade, learning_rate):
        """pictures: uint8 [n, H, W, C] of each replica, labels: [n, label_size]. -> statistics, in their order."""
        gradients, statistics, w_sum = self.state.replicas.run(self.d_gradients, pictures, labels, nimg, fade)
        finite = self._apply(self.state.D_optimizer, self.state.D_scale, self.D_variables(), gradients, learning_rate)
        self._move_w_avg(w_sum)
        ema.update(self.state.replicas, self.state.Gs, self.state.G, self.beta)
        return self._told(statistics, finite)

    def d_gradients(self, pictures, labels, nimg, fade):
        """On one replica: gradients of its part of the mean loss, sums of the statistics / minibatch, sum of w."""
        seed, rows = self.experiment.training.seed, self.rows()
        reals = real_pictures.process(pictures, self._mirrored(seed, nimg, rows), fade)
        labels = labels if self.experiment.D.label_size else None
        images, w_sum = self._fakes("D", labels, nimg, fade, rows)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self.D_variables()])
            loss, statistics = self.d_loss(reals, images, labels, nimg, fade, rows)
            total = tf.reduce_sum(loss) / self.minibatch * self.state.D_scale.factor()
        gradients = tape.gradient(total, [variable.value for variable in self.D_variables()])
        return gradients, [tf.reduce_sum(value) / self.minibatch for value in statistics], w_sum

    def d_loss(self, reals, images, labels, nimg, fade, rows):
        """Loss of the discriminator per sample. -> ([n], [[n], ...] in the order of D_STATISTICS)."""
        config, scale = self.experiment.loss, self.state.D_scale.factor()

        def discriminate(pictures):
            return self.state.D(pictures, labels=labels, stage=self.stage, fade=fade)

        def judged(pictures, gamma):
            if not gamma:
                return discriminate(pictures), tf.zeros(tf.shape(pictures)[0])
            logits, gradient = penalties.logits_and_gradient(discriminate, pictures, scale)
            return logits, penalties.squared_norm(gradient, self.halvings)

        real, r1 = judged(reals, config.r1_gamma)
        fake, r2 = judged(images, config.r2_gamma)
        loss = losses.DISCRIMINATOR[config.D](real, fake)
        loss += r1 * (config.r1_gamma / 2) + r2 * (config.r2_gamma / 2)
        norms = tf.zeros_like(loss)
        if config.gp_weight:
            between = draws.uniform(self.experiment.training.seed, "gradient penalty", nimg, rows, (1, 1, 1))
            mixed = lerp(reals, images, between)
            norms = penalties.gradient_norm(penalties.logits_and_gradient(discriminate, mixed, scale)[1], self.halvings)
            loss += penalties.wgan_gp(norms, config.gp_target) * config.gp_weight
        drift = penalties.drift(real)
        if config.drift_weight:
            loss += drift * config.drift_weight
        return loss, [loss, real, fake, r1, r2, norms, drift]

    # --- the generator

    def _g_step(self, nimg, fade, learning_rate):
        """-> statistics, in their order."""
        gradients, statistics, w_sum = self.state.replicas.run(self.g_gradients, nimg, fade)
        finite = self._apply(self.state.G_optimizer, self.state.G_scale, self.G_variables(), gradients, learning_rate)
        self._move_w_avg(w_sum)
        return self._told(statistics, finite)

    def g_gradients(self, nimg, fade):
        """On one replica, as d_gradients. The labels are random rows of the data set's."""
        seed, rows = self.experiment.training.seed, self.rows()
        labels = fakes.random_labels(self.labels, seed, nimg, rows) if self.experiment.G.label_size else None
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self.G_variables()])
            images, w_sum = self._fakes("G", labels, nimg, fade, rows)
            logits = self.state.D(images, labels=labels, stage=self.stage, fade=fade)
            loss = losses.GENERATOR[self.experiment.loss.G](logits)
            total = tf.reduce_sum(loss) / self.minibatch * self.state.G_scale.factor()
        gradients = tape.gradient(total, [variable.value for variable in self.G_variables()])
        return gradients, [tf.reduce_sum(loss) / self.minibatch], w_sum

    # --- what both share

    def D_variables(self):
        """Trainable variables of D that this stage uses."""
        return self.state.D.variables_at(self.stage)

    def G_variables(self):
        """Trainable variables of G that this stage uses."""
        return self.state.G.variables_at(self.stage)

    def _fakes(self, purpose, labels, nimg, fade, rows):
        """-> (pictures, sum of w over the first share: what w_avg averages; empty for a network without w)."""
        training, G, stage = self.experiment.training, self.state.G, self.stage
        if isinstance(G, ProganGenerator):
            z = draws.normal(training.seed, f"{purpose} z", nimg, rows, (G.z_dim,))
            return G(z, labels=labels, stage=stage, fade=fade), tf.zeros(0)
        ws, w = fakes.mixed_ws(
            G, labels, stage, training.seed, purpose, nimg, rows, training.shares, training.style_mixing_prob
        )
        noise = fakes.fresh_noise(G, stage, training.seed, purpose, nimg, rows)
        images = G.synthesis(ws, noise=noise, stage=stage, fade=fade)
        return images, fakes.share_sum(w, rows, training.shares)

    def _mirrored(self, seed, nimg, rows):
        return draws.mirrored(seed, nimg, rows) if self.experiment.data.mirror else None

    def _apply(self, optimizer, scale, variables, gradients, learning_rate):
        """One step of Adam with the gradients summed over replicas, unless one of them is not finite. -> finite."""
        replicas, factor = self.state.replicas, scale.factor()

        def unfinite(*gradients):
            fine = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients]
            return tf.cast(~tf.reduce_all(fine), tf.float32)

        finite = replicas.total(replicas.run(unfinite, *gradients)) == 0

        def step(*gradients):
            optimizer.apply(gradients, variables, finite, factor)

        optimizer.learning_rate.assign(learning_rate)
        replicas.run(step, *gradients)
        scale.after(finite)
        return finite

    def _told(self, statistics, finite):
        """The statistics of all replicas as one vector; zeros, and a 1 at the end, after a skipped step."""
        values = tf.stack(self.state.replicas.total(statistics))
        return tf.concat([tf.where(finite, values, tf.zeros_like(values)), [tf.cast(~finite, tf.float32)]], axis=0)

    def _move_w_avg(self, w_sum):
        if isinstance(self.state.G, ProganGenerator):
            return
        beta = self.experiment.training.w_avg_beta
        mean = self.state.replicas.total(w_sum) / self.rows_in_share
        w_avg = self.state.G.w_avg
        w_avg.assign(fakes.moved_average(w_avg, mean, beta))

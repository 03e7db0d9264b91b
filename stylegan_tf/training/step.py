"""One step of the discriminator, one of the generator, on all replicas, touching only the current stage's variables.

Where the R1 and R2 penalties are lazy (training.r1_interval k above 1; StyleGAN2, Karras et al. 2020, app. B) the
discriminator's step does without them, and every k-th one is followed by a step of Adam on them alone, with their
weight times k. See state.make_optimizer for what that asks of Adam.
"""

import tensorflow as tf

from stylegan_tf import draws
from stylegan_tf.configs.memory import division
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.data import reals as real_pictures
from stylegan_tf.networks.growing import units_by
from stylegan_tf.networks.progan import ProganGenerator
from stylegan_tf.ops.blend import lerp
from stylegan_tf.training import ema, fakes, losses, penalties
from stylegan_tf.training.parts import summed
from stylegan_tf.training.recompute import Recompute
from stylegan_tf.training.state import State

SKIPPED = "skipped"  # the statistic that is 1 for a step whose gradients were not finite, else 0


class Steps:
    """The steps for one stage and one size of minibatch; r1_step is there for lazy penalties alone.

    Each is one graph. What changes from step to step is an argument: pictures and labels, nimg, fade, learning rate.
    Each returns its statistics by their names in TensorBoard: means over the minibatch, penalties before their weights;
    and SKIPPED. Those of a skipped step are 0.

    at_once: The most pictures that a device computes at once (configs.memory.division); None: as training.batch_gpu
    says. Nothing is assigned before all gradients are there, so that a step that runs out of memory has done nothing.
    """

    def __init__(self, state: State, experiment: Experiment, stage: int, minibatch: int, at_once: int | None = None):
        self.state, self.experiment, self.stage, self.minibatch = state, experiment, stage, minibatch
        self.halvings = stage_of(experiment.G.resolution) - stage  # from the final picture down to this stage
        training = experiment.training
        self.group = max(1, min(experiment.D.mbstd_group_size, minibatch // training.num_gpus))
        self.rows_in_share = minibatch // training.num_gpus
        self.division = division(experiment, minibatch, state.replicas.count, at_once)
        self.recompute = Recompute(self.division.slice) if self.division.slice or training.recompute else None
        self.beta = ema.decay(minibatch, training.ema_half_life_kimg)
        # No branch depends on a tensor; autograph would spend seconds on rewriting what is called.
        self.d_step = tf.function(self._d_step, autograph=False, reduce_retracing=False)
        self.g_step = tf.function(self._g_step, autograph=False, reduce_retracing=False)
        self.r1_step = tf.function(self._r1_step, autograph=False, reduce_retracing=False)
        if training.xla:
            for name in ("d_gradients", "g_gradients", "r1_gradients"):
                setattr(self, name, tf.function(getattr(self, name), autograph=False, jit_compile=True))

    def rows(self) -> draws.Rows:
        """The calling replica's rows of the minibatch."""
        replicas = self.state.replicas
        return draws.Rows(self.minibatch, self.group, replicas.count, replicas.number())

    def _in_parts(self, of_part, *inputs):
        """Sum of of_part(the rows of each part, its part of each of the inputs [n, ...])."""
        rows, parts = self.rows(), self.division.parts

        def one(number):
            own = [tf.gather(tensor, rows.within(number, parts)) for tensor in inputs] if parts > 1 else inputs
            with units_by(self.recompute):
                return of_part(rows.part(number, parts), *own)

        return summed(one, parts)

    # --- the discriminator

    def _d_step(self, pictures, labels, nimg, fade, learning_rate):
        """pictures: uint8 [n, H, W, C] of each replica, labels: [n, label_size]. -> statistics."""
        gradients, statistics, w_sum = self.state.replicas.run(self.d_gradients, pictures, labels, nimg, fade)
        finite = self._apply(self.state.D_optimizer, self.state.D_scale, self.D_variables(), gradients, learning_rate)
        with tf.control_dependencies([finite]):
            self._move_w_avg(w_sum)
            ema.update(self.state.replicas, self.state.Gs, self.state.G, self.beta)
        return self._summed(statistics, finite)

    def d_gradients(self, pictures, labels, nimg, fade):
        """On one replica: gradients of its part of the mean loss, sums of the statistics / minibatch, sum of w."""

        def of_part(rows, pictures, labels):
            reals, labels = self._reals(pictures, labels, nimg, fade, rows)
            images, w_sum = self._fakes("D", labels, nimg, fade, rows)
            gradients, statistics = self._D_gradients(lambda: self.d_loss(reals, images, labels, nimg, fade, rows))
            return gradients, statistics, w_sum

        return self._in_parts(of_part, pictures, labels)

    def d_loss(self, reals, images, labels, nimg, fade, rows):
        """Loss of the discriminator per sample [n], and what it is made of by name, {name: [n] or [n, 1]}."""
        config = self.experiment.loss
        r1_gamma, r2_gamma = (0.0, 0.0) if self.is_lazy() else (config.r1_gamma, config.r2_gamma)
        real, r1 = self._judged(reals, labels, fade, r1_gamma)
        fake, r2 = self._judged(images, labels, fade, r2_gamma)
        loss = losses.DISCRIMINATOR[config.D](real, fake)
        loss += r1 * (r1_gamma / 2) + r2 * (r2_gamma / 2)
        norms = tf.zeros_like(loss)
        if config.gp_weight:
            between = draws.uniform(self.experiment.training.seed, "gradient penalty", nimg, rows, (1, 1, 1))
            mixed = lerp(reals, images, between)
            norms = penalties.gradient_norm(self._logits_and_gradient(mixed, labels, fade)[1], self.halvings)
            loss += penalties.wgan_gp(norms, config.gp_target) * config.gp_weight
        drift = penalties.drift(real)
        if config.drift_weight:
            loss += drift * config.drift_weight
        statistics = {
            "D": loss,
            "scores/real": real,
            "scores/fake": fake,
            "mixed_norms": norms,
            "epsilon_penalty": drift,
        }
        return loss, statistics if self.is_lazy() else statistics | {"r1_penalty": r1, "r2_penalty": r2}

    def is_lazy(self) -> bool:
        """Whether the R1 and R2 penalties have a step of their own."""
        return self.experiment.training.r1_interval > 1

    def _r1_step(self, pictures, labels, nimg, fade, learning_rate):
        """The penalties of the D step with the same arguments, after it. -> statistics."""
        gradients, statistics = self.state.replicas.run(self.r1_gradients, pictures, labels, nimg, fade)
        finite = self._apply(self.state.D_optimizer, self.state.D_scale, self.D_variables(), gradients, learning_rate)
        return self._summed(statistics, finite)

    def r1_gradients(self, pictures, labels, nimg, fade):
        """On one replica, as d_gradients: of R1 and R2, r1_interval times their weight."""
        config, interval = self.experiment.loss, self.experiment.training.r1_interval

        def of_part(rows, pictures, labels):
            reals, labels = self._reals(pictures, labels, nimg, fade, rows)
            images = self._fakes("D", labels, nimg, fade, rows)[0] if config.r2_gamma else None

            def loss():
                none = tf.zeros(rows.count)
                r1 = self._judged(reals, labels, fade, config.r1_gamma)[1] if config.r1_gamma else none
                r2 = none if images is None else self._judged(images, labels, fade, config.r2_gamma)[1]
                weighted = interval * (r1 * (config.r1_gamma / 2) + r2 * (config.r2_gamma / 2))
                return weighted, {"r1_penalty": r1, "r2_penalty": r2}

            return self._D_gradients(loss, unconnected="zero")  # the last bias moves all logits alike

        return self._in_parts(of_part, pictures, labels)

    def _reals(self, pictures, labels, nimg, fade, rows):
        reals = real_pictures.process(pictures, self._mirrored(self.experiment.training.seed, nimg, rows), fade)
        return reals, labels if self.experiment.D.label_size else None

    def _discriminate(self, pictures, labels, fade):
        return self.state.D(pictures, labels=labels, stage=self.stage, fade=fade)

    def _logits_and_gradient(self, pictures, labels, fade):
        return penalties.logits_and_gradient(
            lambda images: self._discriminate(images, labels, fade), pictures, self.state.D_scale.factor()
        )

    def _judged(self, pictures, labels, fade, gamma):
        """-> (logits [n, 1], squared norm of their gradient [n], 0 where its weight gamma is)."""
        if not gamma:
            return self._discriminate(pictures, labels, fade), tf.zeros(tf.shape(pictures)[0])
        logits, gradient = self._logits_and_gradient(pictures, labels, fade)
        return logits, penalties.squared_norm(gradient, self.halvings)

    def _D_gradients(self, loss_of, unconnected="none"):
        """Of the sum of a loss per sample / minibatch. loss_of() -> (loss, statistics) -> (gradients, statistics)."""
        variables = [variable.value for variable in self.D_variables()]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            loss, statistics = loss_of()
            total = tf.reduce_sum(loss) / self.minibatch * self.state.D_scale.factor()
        gradients = tape.gradient(total, variables, unconnected_gradients=unconnected)
        return gradients, {name: tf.reduce_sum(value) / self.minibatch for name, value in statistics.items()}

    # --- the generator

    def _g_step(self, labels, nimg, fade, learning_rate):
        """labels: [n, label_size] of each replica, random rows of the data set's. -> statistics."""
        gradients, statistics, w_sum = self.state.replicas.run(self.g_gradients, labels, nimg, fade)
        finite = self._apply(self.state.G_optimizer, self.state.G_scale, self.G_variables(), gradients, learning_rate)
        with tf.control_dependencies([finite]):
            self._move_w_avg(w_sum)
        return self._summed(statistics, finite)

    def g_gradients(self, labels, nimg, fade):
        """On one replica, as d_gradients."""
        variables = [variable.value for variable in self.G_variables()]

        def of_part(rows, labels):
            labels = labels if self.experiment.G.label_size else None
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                images, w_sum = self._fakes("G", labels, nimg, fade, rows)
                logits = self._discriminate(images, labels, fade)
                loss = losses.GENERATOR[self.experiment.loss.G](logits)
                total = tf.reduce_sum(loss) / self.minibatch * self.state.G_scale.factor()
            return tape.gradient(total, variables), {"G": tf.reduce_sum(loss) / self.minibatch}, w_sum

        return self._in_parts(of_part, labels)

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
            G, labels, stage, training.seed, purpose, nimg, rows, training.num_gpus, training.style_mixing_prob
        )
        noise = fakes.fresh_noise(G, stage, training.seed, purpose, nimg, rows)
        images = G.synthesis(ws, noise=noise, stage=stage, fade=fade)
        return images, fakes.share_sum(w, rows, training.num_gpus)

    def _mirrored(self, seed, nimg, rows):
        return draws.mirrored(seed, nimg, rows) if self.experiment.data.mirror else None

    def _apply(self, optimizer, scale, variables, gradients, learning_rate):
        """One step of Adam with the gradients summed over replicas, unless one of them is not finite. -> finite."""
        replicas, factor = self.state.replicas, scale.factor()

        def unfinite(*gradients):
            fine = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients]
            return tf.cast(~tf.reduce_all(fine), tf.float32)

        finite = replicas.all_reduce(replicas.run(unfinite, *gradients)) == 0

        def step(*gradients):
            optimizer.apply(gradients, variables, finite, factor)

        with tf.control_dependencies([finite]):
            optimizer.learning_rate.assign(learning_rate)
            replicas.run(step, *gradients)
            scale.after(finite)
        return finite

    def _summed(self, statistics, finite):
        """The statistics of all replicas by name; zeros, and a 1 for SKIPPED, after a skipped step."""
        means = self.state.replicas.all_reduce(statistics)
        means = {name: tf.where(finite, value, 0.0) for name, value in means.items()}
        return means | {SKIPPED: tf.cast(~finite, tf.float32)}

    def _move_w_avg(self, w_sum):
        if isinstance(self.state.G, ProganGenerator):
            return
        beta = self.experiment.training.w_avg_beta
        mean = self.state.replicas.all_reduce(w_sum) / self.rows_in_share
        w_avg = self.state.G.w_avg
        w_avg.assign(fakes.moved_average(w_avg, mean, beta))

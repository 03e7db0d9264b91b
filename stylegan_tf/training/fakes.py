"""z -> ws, with style mixing -> pictures of the current stage, and the running average of w."""

import tensorflow as tf

from stylegan_tf import draws
from stylegan_tf.networks.stages import num_layers
from stylegan_tf.ops.blend import lerp, mix_styles


def mixed_ws(G, labels, stage: int, seed: int, purpose: str, nimg, rows: draws.Rows, shares: int, mixing: float):
    """Styles of the fakes of one step. -> (ws [n, num_layers, w_dim], w [n, w_dim] of the first latents).

    labels: [n, label_size] or None. `purpose` names the step, so that its draws are its own. mixing: probability of
    taking a second latent's style from a random layer on (paper sec. 3.1).
    """
    z = draws.normal(seed, f"{purpose} z", nimg, rows, (G.z_dim,))
    if mixing <= 0 or not G.synthesis.use_styles:
        w = G.mapping(z, labels)
        return G.broadcast(w), w
    other = draws.normal(seed, f"{purpose} mixed z", nimg, rows, (G.z_dim,))
    both = None if labels is None else tf.concat([labels, labels], axis=0)
    w, other = tf.split(G.mapping(tf.concat([z, other], axis=0), both), 2)
    cutoffs = draws.cutoffs(seed, f"{purpose} cutoff", nimg, rows, shares, num_layers(stage), mixing)
    return mix_styles(G.broadcast(w), G.broadcast(other), cutoffs), w


def fresh_noise(G, stage: int, seed: int, purpose: str, nimg, rows: draws.Rows) -> list:
    """Noise of every layer up to a stage, new for each sample. [[n, H, W, 1], ...]."""
    return [
        draws.normal(seed, f"{purpose} noise{layer}", nimg, rows, shape)
        for layer, shape in enumerate(G.synthesis.noise_shapes(stage))
    ]


def share_sum(w, rows: draws.Rows, shares: int):
    """Sum of w [n, w_dim] over the rows of share 0 -> [w_dim]. (The official average of w sees the first GPU alone.)"""
    first = tf.cast(draws.share_of(rows, shares) == 0, w.dtype)
    return tf.reduce_sum(w * first[:, None], axis=0)


def moved_average(w_avg, batch_mean, beta: float):
    """w_avg's next value: batch_mean + (w_avg - batch_mean) beta (official dlatent_avg_beta)."""
    return lerp(batch_mean, w_avg, beta)

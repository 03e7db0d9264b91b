"""Gs, the exponential moving average of the generator."""


def decay(minibatch: int, half_life_kimg: float) -> float:
    """0.5^(minibatch / half-life in pictures): what is kept of the average at one step. 0 without averaging."""
    return 0.5 ** (minibatch / (half_life_kimg * 1000)) if half_life_kimg > 0 else 0.0


def update(replicas, Gs, G, beta: float) -> None:
    """Gs <- G + (Gs - G) beta for what is trained; what is not, w_avg and noise, is copied.

    (Official setup_as_moving_average_of.)
    """
    replicas.assign(Gs.trainable_variables, lambda average, new: new + (average - new) * beta, G.trainable_variables)
    replicas.assign(Gs.non_trainable_variables, lambda _, new: new, G.non_trainable_variables)

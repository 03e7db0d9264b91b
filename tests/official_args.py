"""Our networks with the arguments and the weights of recorded official ones."""

from recorded import Recorded

RENAMED = {"latent_size": "z_dim", "dlatent_size": "w_dim"}
OF_CALLS = {
    "randomize_noise",
    "style_mixing_prob",
    "dlatent_avg_beta",
    "structure",
    "truncation_psi",
    "truncation_cutoff",
}
OF_D = {"num_channels", "resolution", "label_size", "fmap_base", "fmap_max"}


def ours(kwargs: dict) -> dict:
    """Official arguments under our names, those of calls and of training left out."""
    kwargs = {RENAMED.get(name, name): value for name, value in kwargs.items() if name not in OF_CALLS}
    if "blur_filter" in kwargs:
        kwargs["blur"] = kwargs.pop("blur_filter") is not None
    return kwargs


def of_D(kwargs: dict) -> dict:
    """The part of a generator's arguments that its discriminator shares."""
    return {name: value for name, value in kwargs.items() if name in OF_D}


def recorded_G(recording: Recorded, kwargs=None, **changes):
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.weights import names

    G = Generator(**ours(recording.kwargs if kwargs is None else kwargs), **changes)
    names.assign(G, recording.group("G"))
    return G


def recorded_D(recording: Recorded, kwargs=None, **changes):
    from stylegan_tf.networks.discriminator import Discriminator
    from stylegan_tf.weights import names

    D = Discriminator(**ours(of_D(recording.kwargs) if kwargs is None else kwargs), **changes)
    names.assign(D, recording.group("D"))
    return D


def recorded_progan(recording: Recorded, **changes):
    """(G, D) of config A. Its fused_scale says which of two functions D is, and which way G's kernels turn."""
    from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator
    from stylegan_tf.weights import names

    kwargs = ours(recording.kwargs)
    fused = kwargs.pop("fused_scale", True)
    G = ProganGenerator(**kwargs, **changes)
    D = ProganDiscriminator(**of_D(kwargs), downscale_last=not fused, **changes)
    names.assign(G, recording.group("G"), fused_scale=fused)
    names.assign(D, recording.group("D"), fused_scale=fused)
    return G, D


def stage_and_fade(lod: float, resolution: int) -> tuple[int, float]:
    """The official lod as ours."""
    return resolution.bit_length() - 1 - int(lod), 1 - (float(lod) - int(lod))

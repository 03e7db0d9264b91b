"""The minibatch standard deviation, which shows the discriminator how varied its pictures are."""

from keras import ops


def minibatch_stddev(x, group_size: int = 4, num_features: int = 1):
    """Appends the deviation within groups of samples as constant maps (Karras et al. 2017 sec. 3).

    x: [N, H, W, C] -> [N, H, W, C + num_features], same dtype; statistics in float32. Groups are strided: group m of M
    holds the samples m, m + M, m + 2 M, ... (official minibatch_stddev_layer). Raises ValueError where the group does
    not divide N or num_features does not divide C.
    """
    count, height, width, channels = x.shape  # count is None where only the run knows it
    group = group_size if count is None else min(group_size, count)
    if (count or group) % group:
        raise ValueError(f"minibatch_stddev needs a minibatch divisible by its group size {group}, got {count} samples")
    if channels % num_features:
        raise ValueError(f"minibatch_stddev: num_features {num_features} must divide the {channels} channels")
    y = ops.cast(x, "float32")
    y = ops.reshape(y, (group, -1, height, width, num_features, channels // num_features))  # [GMHWnc] samples = G x M
    y = y - ops.mean(y, axis=0, keepdims=True)  #                                             [GMHWnc] centred
    y = ops.sqrt(ops.mean(ops.square(y), axis=0) + 1e-8)  #                                   [MHWnc]  deviation
    y = ops.mean(y, axis=(1, 2, 4))  #                                                        [Mn]
    y = ops.reshape(ops.tile(y, (group, 1)), (-1, 1, 1, num_features))  #                     [N11n]
    y = ops.tile(ops.cast(y, x.dtype), (1, height, width, 1))  #                              [NHWn]
    return ops.concatenate([x, y], axis=-1)

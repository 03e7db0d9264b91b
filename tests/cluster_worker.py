"""python tests/cluster_worker.py FILE FLAGS: train.py as one worker, which leaves what it saw and has in FILE.

What it saw are the pictures that its devices were fed, what it has the numbers of its state at the end.
"""

import sys
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))


def main(file, flags):
    import numpy as np
    import tiny

    from stylegan_tf.cluster import Workers
    from stylegan_tf.programs import train
    from stylegan_tf.training import loop

    fed, made, State, part = [], [], loop.State, Workers.part

    def new_state(experiment, replicas):
        made.append(State(experiment, replicas))
        return made[0]

    class Feed(loop.Feed):
        def __next__(self):
            batch = super().__next__()
            local = made[0].replicas.strategy.experimental_local_results
            fed.append([part.numpy() for part in local(batch[0])])
            return batch

    def saved_and_parted(self):
        np.savez(file, fed=np.array(fed), **tiny.numbers(made[0]))
        part(self)

    with (
        patch.object(loop, "State", new_state),
        patch.object(loop, "Feed", Feed),
        patch.object(Workers, "part", saved_and_parted),
        patch.object(sys, "argv", ["train.py", *flags]),
    ):
        return train.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

"""What passes for a refusal in tests, and what does not."""

import pytest
from refusals import check_printed, check_refusal, failed, refused

from stylegan_tf.errors import Failure, UserError

GOOD = "--seed=-1: expected 0 to 99 in cats.json"
LIST = "2 things are wrong:\n  G.z_dim must be at least 1 (--set=G.z_dim=512)\n  loss.D is r1; choose from wgan, hinge"


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (GOOD, ["--seed=-1", 0, 99, "cats.json"]),
        ("99 is the most that cats.json can have, and 0 the least: give another --seed=-1", ["--seed=-1", 0, 99]),
        (LIST, ["loss.D", "wgan"]),
        (LIST, ["2", "--set=G.z_dim=512"]),
    ],
)
def test_fine(message, names):
    check_refusal(message, *names)
    check_printed(f"error: {message}\n", *names)


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (GOOD, ["--seeds"]),
        (GOOD, ["--see"]),
        (GOOD, ["9", "--seed"]),
        (GOOD, ["json", "dogs"]),
        (f"{GOOD}\n", ["--seed"]),
        (f"{GOOD}\nor not", ["--seed"]),
        (f"\x1b[1m{GOOD}", ["--seed"]),
        (GOOD * 99, ["--seed"]),
        (LIST, ["G.z_dim", "wgan"]),
        (LIST.replace("  loss", "loss"), ["wgan"]),
        (GOOD, []),
        (GOOD, ["0"]),
        (GOOD, [""]),
        ("a --seed", ["a", "--seed"]),
        ("the seed must be from 0 to 99", ["the seed must be"]),
    ],
)
def test_not_enough(message, names):
    with pytest.raises(AssertionError):
        check_refusal(message, *names)


def test_kinds():
    for block, kind in ((refused, UserError), (failed, Failure)):
        with block("cats.json") as caught:
            raise kind("cats.json is damaged")
        assert isinstance(caught.value, kind)
        with pytest.raises(pytest.fail.Exception), block("cats.json"):
            pass
    with pytest.raises(Failure), refused("cats.json"):
        raise Failure("cats.json is damaged")
    with pytest.raises(AssertionError), refused("--seed"):
        raise UserError("cats.json is damaged")

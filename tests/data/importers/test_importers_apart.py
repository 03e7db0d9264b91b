import os
import signal
from contextlib import closing

import pytest
from refusals import refused

from stylegan_tf.data.importers.apart import apart
from stylegan_tf.errors import Failure, UserError


def count(most):
    yield from range(most)


def endless():
    while True:
        yield os.getpid()


def raise_after_one(error):
    yield 1
    raise error


def die(number):
    yield 1
    os.kill(os.getpid(), number)


def take(size):
    yield len(bytearray(size))


def test_items_come_in_order():
    assert list(apart("a", None, count, 1000)) == list(range(1000))


def test_the_process_ends_with_who_asks():
    with closing(apart("a", None, endless)) as items:
        process = next(items)
        assert process != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.parametrize("error", [UserError("mine"), Failure("mine")])
def test_clear_errors_arrive_as_they_are(error):
    with pytest.raises(type(error), match="^mine$"):
        list(apart("a", None, raise_after_one, error))


def test_other_errors_are_damage():
    with refused("damaged", "(first)"):
        list(apart("a", None, raise_after_one, ValueError("first\nsecond")))


@pytest.mark.parametrize("number", [signal.SIGBUS, signal.SIGSEGV, signal.SIGKILL])
def test_a_signal_is_a_sentence(number):
    items = apart("a", None, die, number)
    assert next(items) == 1
    with refused("damaged", number.name):
        next(items)


def test_memory_has_an_end():
    assert list(apart("a", 2**28, take, 2**26)) == [2**26]
    with refused("damaged", "MemoryError"):
        list(apart("a", 2**28, take, 2**29))

"""Imports without what a library takes along and nothing here uses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Within it, packages of these names look as if they were not installed, unless they have been imported already.

    For libraries to which they are optional: Keras imports sklearn (and with it scipy) and matplotlib for wrappers and
    plots, which is a third of the time that importing TensorFlow takes. Afterwards they can be imported as ever.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None there makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name, ...) is None:
                del sys.modules[name]

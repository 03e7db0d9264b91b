"""Flags: values, one-sentence mistakes, grouped help."""

import pytest

from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.errors import UserError

GROUPS = {
    "Work": (Flag("size", "whole", 3, "how many"), Flag("rate", "number", None, "how fast")),
    "Else": (
        Flag("name", "text", None, "of it"),
        Flag("loud", "switch", None, "or not"),
        Flag("set", "texts", [], "again and again"),
    ),
}


def test_values() -> None:
    values = parse(["--size=5", "--rate", "0.5", "--set=a=1", "--noloud", "--set=b"], GROUPS)
    assert values is not None
    assert (values.size, values.rate, values.name, values.loud, values.set) == (5, 0.5, None, False, ["a=1", "b"])
    again = parse(["--loud"], GROUPS)
    assert again is not None
    assert (again.size, again.rate, again.loud, again.set) == (3, None, True, [])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sise=3"], "there is no flag --sise; did you mean --size?"),
        (["--verbosity=1"], "there is no flag --verbosity; choose from --size, --rate, --name, --loud, --set"),
        (["--size=many"], "--size=many: expected a whole number"),
        (["--size=2.5"], "--size=2.5: expected a whole number"),
        (["--rate=fast"], "--rate=fast: expected a number"),
        (["--loud=maybe"], "--loud=maybe: expected true or false"),
        (["--name"], "Missing value for flag --name"),
        (["--size=2", "more"], "more is no flag"),
    ],
)
def test_mistakes(arguments: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(arguments, GROUPS)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(flag: str) -> None:
    assert parse(["--size=5", flag], GROUPS) is None
    assert help_text("Does it.", GROUPS) == (
        "Does it.\n\n"
        "Work:\n  --size  how many\n  --rate  how fast\n\n"
        "Else:\n  --name  of it\n  --loud  or not\n  --set   again and again"
    )

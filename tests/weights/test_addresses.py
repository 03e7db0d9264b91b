import pytest

from stylegan_tf.errors import UserError
from stylegan_tf.weights.addresses import check, drive_addresses, drive_id, file_name, is_address, marked

ID = "1MEGjdvVpUsu1jB4zrXZN7Y4kBBOzizDQ"


@pytest.mark.parametrize("text", ["https://a.org/b", "HTTP://a.org", "ftp://a.org/b", "file:///etc/passwd", "file:/a"])
def test_what_is_meant_as_an_address(text):
    assert is_address(text)


@pytest.mark.parametrize("text", ["ffhq", "results/00000-ffhq", "/tmp/a.pkl", "a:b.pkl", "https", "C:\\a"])
def test_what_is_not(text):
    assert not is_address(text)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("ftp://a.org/b.pkl", "only http and https addresses are, not ftp"),
        ("file:///etc/passwd", "not file"),
        ("https:///b.pkl", "names no host"),
        ("http://a.org:99999/b", "Port out of range"),
        ("https://[a/b", "no valid address"),
        ("https://a.org/a b", "percent-encoded"),
        ("https://a.org/b\n", "percent-encoded"),
        ("https://a.org/größe", "percent-encoded"),
    ],
)
def test_addresses_that_are_not_followed(address, why):
    with pytest.raises(UserError, match=why):
        check(address)


def test_a_password_is_not_repeated():
    with pytest.raises(UserError, match="holds a user name") as error:
        check("https://me:secret@a.org/b.pkl")
    assert "secret" not in str(error.value)


def test_addresses_that_are_followed():
    for address in ("http://127.0.0.1:8000/a.pkl", "https://a.org/%20b?c=d#e", *drive_addresses(ID)):
        check(address)


@pytest.mark.parametrize(
    "address",
    [
        f"https://drive.google.com/uc?id={ID}",
        f"https://drive.google.com/uc?export=download&id={ID}",
        f"https://drive.google.com/open?id={ID}",
        f"https://drive.google.com/file/d/{ID}/view?usp=sharing",
        f"https://drive.google.com/file/u/0/d/{ID}/view",
        *drive_addresses(ID),
    ],
)
def test_every_spelling_of_google_drive(address):
    assert drive_id(address) == ID
    assert file_name(address) == f"{ID}.pkl"


@pytest.mark.parametrize(
    "address", [f"https://a.org/uc?id={ID}", "https://drive.google.com/", "https://drive.google.com/uc?id=../../../etc"]
)
def test_no_file_of_google_drive(address):
    assert drive_id(address) is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://a.org/x/net.pkl?token=1#part", "net.pkl"),
        ("https://a.org/x/net-1_a.keras/", "net-1_a.keras"),
        ("https://a.org/x/a%2Fb%20c.pkl", "a-2Fb-20c.pkl"),
        ("https://a.org/.hidden.pkl", "hidden.pkl"),
        ("https://a.org/..", "network"),
        ("https://a.org", "network"),
        (f"https://a.org/{'a' * 300}.pkl", "a" * 96 + ".pkl"),
    ],
)
def test_file_names_are_plain(address, name):
    assert file_name(address) == name


def test_a_second_file_of_one_name_is_marked():
    # the first digits of SHA-256 of "abc", FIPS 180-2, appendix B.1
    assert marked("net.pkl", "abc") == "net-ba7816bf.pkl"
    assert marked("net", "abc") == "net-ba7816bf"

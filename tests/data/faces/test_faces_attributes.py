from pathlib import Path

import numpy as np

from stylegan_tf.data.faces.attributes import ABSENT, ATTRIBUTES, DRAWS, sample

# The names, and the share (in %) of CelebA's pictures that have each, rounded.
CELEBA = {
    "5_o_Clock_Shadow": 11.1,
    "Arched_Eyebrows": 26.7,
    "Attractive": 51.3,
    "Bags_Under_Eyes": 20.5,
    "Bald": 2.2,
    "Bangs": 15.2,
    "Big_Lips": 24.1,
    "Big_Nose": 23.5,
    "Black_Hair": 23.9,
    "Blond_Hair": 14.8,
    "Blurry": 5.1,
    "Brown_Hair": 20.5,
    "Bushy_Eyebrows": 14.2,
    "Chubby": 5.8,
    "Double_Chin": 4.7,
    "Eyeglasses": 6.5,
    "Goatee": 6.3,
    "Gray_Hair": 4.2,
    "Heavy_Makeup": 38.7,
    "High_Cheekbones": 45.5,
    "Male": 41.7,
    "Mouth_Slightly_Open": 48.3,
    "Mustache": 4.2,
    "Narrow_Eyes": 11.5,
    "No_Beard": 83.5,
    "Oval_Face": 28.4,
    "Pale_Skin": 4.3,
    "Pointy_Nose": 27.7,
    "Receding_Hairline": 8.0,
    "Rosy_Cheeks": 6.6,
    "Sideburns": 5.7,
    "Smiling": 48.2,
    "Straight_Hair": 20.8,
    "Wavy_Hair": 32.0,
    "Wearing_Earrings": 18.9,
    "Wearing_Hat": 4.8,
    "Wearing_Lipstick": 47.2,
    "Wearing_Necklace": 12.3,
    "Wearing_Necktie": 7.3,
    "Young": 77.4,
}
DOCS = Path(__file__).parents[3] / "docs" / "FACES.md"


def _samples(count: int) -> list[dict[str, bool]]:
    rng = np.random.default_rng(5)
    return [sample(rng) for _ in range(count)]


def test_the_names_are_celebas_in_celebas_order():
    assert tuple(CELEBA) == ATTRIBUTES
    assert all(list(each) == list(ATTRIBUTES) for each in _samples(3))


def test_frequencies_are_near_celebas():
    shares = 100 * np.mean([list(each.values()) for each in _samples(4000)], axis=0)
    for name, share in zip(ATTRIBUTES, shares, strict=True):
        assert share > 2.0, name
        assert abs(share - CELEBA[name]) < 6.0, (name, share)


def test_absent_pairs_never_occur_and_are_the_only_impossible_ones_named():
    table = np.array([list(each.values()) for each in _samples(4000)])
    column = {name: table[:, index] for index, name in enumerate(ATTRIBUTES)}
    for (one, first), (other, second), _ in ABSENT:
        assert not np.any((column[one] == first) & (column[other] == second)), (one, other)
    # A flip side: each attribute of those pairs does occur by itself.
    for (one, first), (other, second), _ in ABSENT:
        assert np.any(column[one] == first) and np.any(column[other] == second)


def test_attributes_correlate_as_in_life():
    table = np.array([list(each.values()) for each in _samples(4000)])
    column = {name: table[:, index] for index, name in enumerate(ATTRIBUTES)}
    made_up = column["Heavy_Makeup"]
    assert column["Wearing_Lipstick"][made_up].mean() > column["Wearing_Lipstick"][~made_up].mean() + 0.3
    smiling = column["Smiling"]
    assert column["Mouth_Slightly_Open"][smiling].mean() > column["Mouth_Slightly_Open"][~smiling].mean() + 0.3


def test_a_sample_takes_forty_numbers():
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    sample(one)
    other.random(40)
    assert one.random() == other.random()


def test_the_page_and_the_table_agree():
    rows = [line.strip("| ").split(" | ") for line in DOCS.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    drawn = {row[0]: (row[1], row[2]) for row in rows if row[0] in ATTRIBUTES}
    assert drawn == dict(DRAWS)
    absent = {tuple(row) for row in rows if row[0].endswith((" true", " false"))}
    assert absent == {
        (f"{one} {str(first).lower()}", f"{other} {str(second).lower()}", why)
        for (one, first), (other, second), why in ABSENT
    }

from dataclasses import asdict

from refusals import refused

from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.faces.traits import RANGES, face


def test_a_face_is_a_function_of_seed_and_index():
    assert face(3, 8) == face(3, 8)
    different = [face(3, 8), face(3, 9), face(8, 3), face(4, 8)]
    assert len({tuple(asdict(each.traits).values()) for each in different}) == 4


def test_traits_fill_their_ranges():
    traits = [asdict(face(1, index).traits) for index in range(200)]
    for name, (low, high) in RANGES.items():
        values = [each[name] for each in traits]
        assert low <= min(values) < low + 0.1 * (high - low), name
        assert high - 0.1 * (high - low) < max(values) <= high, name


def test_a_flip_changes_one_attribute_and_nothing_else():
    sitter = face(0, 5)
    for name in ATTRIBUTES:
        other = sitter.flipped(name)
        assert other.traits == sitter.traits
        assert [each for each in ATTRIBUTES if other.attributes[each] != sitter.attributes[each]] == [name]
        assert other.flipped(name) == sitter


def test_labels_are_the_attributes_in_order():
    sitter = face(0, 5)
    assert sitter.labels().tolist() == [sitter.attributes[name] for name in ATTRIBUTES]


def test_mistakes_are_said():
    with refused("seed -1"):
        face(-1, 0)
    with refused("index -2"):
        face(0, -2)
    with refused("'Beard'", "5_o_Clock_Shadow"):
        face(0, 0).flipped("Beard")

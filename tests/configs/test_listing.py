"""The page of train.py --list."""

from stylegan_tf.configs.listing import page
from stylegan_tf.configs.presets import CONFIGS, DATA_SETS, HARDWARE, LOSSES


def section(title: str) -> list[list[str]]:
    """The words of each line of the section that starts with `title`."""
    (found,) = (part for part in page().split("\n\n") if part.startswith(title))
    return [line.split() for line in found.splitlines()[1:]]


def test_it_names_all_there_is() -> None:
    first_words = {line.split()[0] for line in page().splitlines() if line.strip()}
    assert {*CONFIGS, *HARDWARE, *LOSSES, *DATA_SETS} <= first_words


def test_it_is_a_neat_page() -> None:
    lines = page().splitlines()
    assert max(map(len, lines)) <= 120
    assert all(line == line.rstrip() for line in lines)


def test_table_1() -> None:
    lines = section("Table 1")
    assert lines[0] == ["--config", "CelebA-HQ", "FFHQ"]
    assert [line[:3] for line in lines[1:]] == [
        ["A", "7.79", "8.04"],
        ["B", "6.11", "5.25"],
        ["C", "5.34", "4.85"],
        ["D", "5.07", "4.88"],
        ["E", "5.06", "4.42"],
        ["F", "5.17", "4.40"],
    ]


def test_table_2() -> None:
    assert [line[:5] for line in section("Table 2")[1:]] == [
        ["mix0", "4.42", "8.22", "12.88", "17.41"],
        ["mix50", "4.41", "6.10", "8.71", "11.61"],
        ["mix90", "4.40", "5.11", "6.88", "9.03"],
        ["mix100", "4.83", "5.17", "6.63", "8.40"],
    ]


def test_table_4() -> None:
    lines = section("Table 4")[1:]
    assert lines[2] == ["W", "4.87", "324.5", "212.2", "6.52"]  # traditional-8 again, in its other space
    assert [line[:6] for line in lines[:2] + lines[3:]] == [
        ["traditional-0", "Z", "5.25", "412.0", "415.3", "10.78"],
        ["traditional-8", "Z", "4.87", "896.2", "902.0", "170.29"],
        ["stylebased-0", "Z", "5.06", "283.5", "285.5", "9.88"],
        ["stylebased-1", "W", "4.60", "219.9", "209.4", "6.81"],
        ["stylebased-2", "W", "4.43", "217.8", "199.9", "6.25"],
        ["stylebased-8", "W", "4.40", "234.0", "195.9", "3.79"],
    ]


def test_rows_losses_and_data_sets() -> None:
    presets = {words[0]: words[1] for words in section("Progressive GAN")}
    assert (presets["A-fp16"], presets["v1-1gpu"], presets["v2-8gpus"]) == ("any", "1gpu", "8gpu")
    minibatches = {words[0]: words[1:10] for words in section("Hardware rows")}
    assert minibatches["8gpu"] == ["512", "256", "128", "64", "32", "32", "32", "32", "32"]
    rates = {" ".join(words[:-4]): words[-4:] for words in section("Learning rates")}
    assert rates["A on 4gpu"] == ["0.001", "0.0015", "0.002", "0.003"]
    assert rates["B to F with wgan_gp"] == ["0.0015", "0.002", "0.002", "0.002"]
    losses = {words[0]: " ".join(words[1:]) for words in section("Losses")}
    assert losses["wgan_gp"] == "G wgan D wgan gp_weight 10, drift_weight 0.001"
    data_sets = {words[0]: words[1:5] for words in section("Data sets")}
    assert data_sets["ffhq512"][:3] == ["ffhq", "512", "yes"]
    assert data_sets["lsun-cat-full"] == ["lsun-cat-full", "256", "no", "8.53"]


def test_ablations_of_config_a() -> None:
    words = [word for line in section("Ablations") for word in line]
    at = words.index("nogrowing")
    assert words[at + 1 : at + 5] == [
        "--set=schedule.initial_resolution=1024",
        "--set=schedule.lod_training_kimg=0",
        "--set=schedule.lod_transition_kimg=0",
        "--set=training.total_kimg=10000",
    ]

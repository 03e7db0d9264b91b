"""Every published network file: what it is, where it is, and under which licence. Sizes and digests where known."""

import difflib
from dataclasses import dataclass

# What a file is for.
NETWORKS = "networks"  # StyleGAN: G, D and Gs
METRIC = "metric"  # a network that a metric looks through
CLASSIFIER = "classifier"  # says whether a face has one attribute of CelebA


@dataclass(frozen=True)
class Entry:
    """One file. `name` is what users type, `file` the official file name, `addresses` are tried in their order.

    size: bytes. sha256: its 64 hexadecimal digits, or the first of them. Both None where they are not known.
    """

    name: str
    file: str
    addresses: tuple[str, ...]
    role: str = NETWORKS
    what: str = ""
    resolution: str = ""
    licence: str = ""
    size: int | None = None
    sha256: str | None = None


NVIDIA = "https://nvlabs-fi-cdn.nvidia.com"
CC_BY_NC = "CC BY-NC 4.0 (non-commercial; NVIDIA)"
NVIDIA_NC = "Nvidia Source Code License-NC (non-commercial)"
APACHE = "Apache 2.0 (Inception-v3)"
VGG16 = "CC BY 4.0 (VGG16)"
LPIPS = "BSD 2-Clause (LPIPS weights)"

# The order is that of the separability metric; the files are numbered by it.
# fmt: off
ATTRIBUTES = (
    "male", "smiling", "attractive", "wavy-hair", "young", "5-o-clock-shadow", "arched-eyebrows", "bags-under-eyes",
    "bald", "bangs", "big-lips", "big-nose", "black-hair", "blond-hair", "blurry", "brown-hair", "bushy-eyebrows",
    "chubby", "double-chin", "eyeglasses", "goatee", "gray-hair", "heavy-makeup", "high-cheekbones",
    "mouth-slightly-open", "mustache", "narrow-eyes", "no-beard", "oval-face", "pale-skin", "pointy-nose",
    "receding-hairline", "rosy-cheeks", "sideburns", "straight-hair", "wearing-earrings", "wearing-hat",
    "wearing-lipstick", "wearing-necklace", "wearing-necktie",
)
# fmt: on


def drive_addresses(file_id: str) -> tuple[str, str]:
    """Where Google Drive gives a file: without its warning page about large files, and the older address."""
    return (
        f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t",
        f"https://drive.google.com/uc?id={file_id}&export=download",
    )


def _stylegan(name: str, resolution: str, data: str, file_id: str) -> Entry:
    file, what = f"karras2019stylegan-{name}-{resolution}.pkl", f"StyleGAN of {data}: G, D, Gs"
    return Entry(name, file, drive_addresses(file_id), NETWORKS, what, resolution, CC_BY_NC)


def _config_a(name: str, resolution: str, data: str) -> Entry:
    file = f"stylegan2-{name}-config-a.pkl"
    what = f"StyleGAN of {data}, trained for the StyleGAN2 paper (its config A): G, D, Gs"
    where = (f"{NVIDIA}/stylegan2/networks/{file}",)
    return Entry(f"{name}-config-a", file, where, NETWORKS, what, resolution, NVIDIA_NC)


def _metric(name: str, file: str, what: str, resolution: str, licence: str, file_id: str) -> Entry:
    where = (f"{NVIDIA}/stylegan/networks/metrics/{file}", *drive_addresses(file_id))
    return Entry(name, file, where, METRIC, what, resolution, licence)


def _classifier(index: int, attribute: str) -> Entry:
    name = f"celebahq-classifier-{index:02d}-{attribute}"
    where = (f"{NVIDIA}/stylegan/networks/metrics/{name}.pkl",)
    what = f"CelebA-HQ attribute {index}: {attribute.replace('-', ' ')}"
    return Entry(name, f"{name}.pkl", where, CLASSIFIER, what, "256x256", CC_BY_NC)


def _open(name: str, folder: str, file: str, what: str, resolution: str, licence: str, size: int, sha256: str) -> Entry:
    return Entry(name, file, (f"https://{folder}/{file}",), METRIC, what, resolution, licence, size, sha256)


ENTRIES: tuple[Entry, ...] = (
    _stylegan("ffhq", "1024x1024", "FFHQ", "1MEGjdvVpUsu1jB4zrXZN7Y4kBBOzizDQ"),
    _stylegan("celebahq", "1024x1024", "CelebA-HQ", "1MGqJl28pN4t7SAtSrPdSRJSQJqahkzUf"),
    _stylegan("bedrooms", "256x256", "LSUN Bedroom", "1MOSKeGF0FJcivpBI7s63V9YHloUTORiF"),
    _stylegan("cars", "512x384", "LSUN Car", "1MJ6iCfNtMIRicihwRorsM3b7mmtmK9c3"),
    _stylegan("cats", "256x256", "LSUN Cat", "1MQywl0FNt6lHu8E_EUqnRbviagS7fbiJ"),
    _config_a("ffhq", "1024x1024", "FFHQ"),
    _config_a("car", "512x384", "LSUN Car"),
    _config_a("cat", "256x256", "LSUN Cat"),
    _config_a("church", "256x256", "LSUN Church"),
    _config_a("horse", "256x256", "LSUN Horse"),
    _metric(
        *("inception", "inception_v3_features.pkl", "Inception-v3 of 2015-12-05, features (FID)", "299x299"),
        *(APACHE, "1MzTY44rLToO5APn8TZmfR7_ENSe5aZUn"),
    ),
    _metric(
        *("vgg16-lpips", "vgg16_zhang_perceptual.pkl", "VGG16 with the LPIPS weights, perceptual distance (PPL)"),
        *("any", f"{VGG16}, {LPIPS}", "1N2-m9qszOeVC9Tq77WxsLnuWwOedQiD2"),
    ),
    *(_classifier(index, attribute) for index, attribute in enumerate(ATTRIBUTES)),
    _open(
        "inception-pth",
        "github.com/mseitzer/pytorch-fid/releases/download/fid_weights",
        "pt_inception-2015-12-05-6726825d.pth",
        "Inception-v3 of 2015-12-05 as pytorch-fid has it (FID)",
        *("299x299", APACHE, 95_628_359, "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"),
    ),
    _open(
        "vgg16-pth",
        "download.pytorch.org/models",
        "vgg16-397923af.pth",
        "VGG16 as torchvision has it (PPL)",
        *("any", VGG16, 553_433_881, "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
    ),
    _open(
        "lpips-pth",
        "raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1",
        "vgg.pth",
        "LPIPS weights v0.1 for VGG16 (PPL); also lpips/weights/v0.1/ in the PyPI package lpips 0.1.4",
        *("any", LPIPS, 7_289, "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
    ),
)
NAMES = tuple(entry.name for entry in ENTRIES)
GENERATORS = tuple(entry.name for entry in ENTRIES if entry.role == NETWORKS)  # what makes pictures


def find(name: str) -> Entry | None:
    """The file of this short name or official file name, both exact; None if there is none."""
    return next((entry for entry in ENTRIES if name in (entry.name, entry.file)), None)


def nearest(name: str) -> str:
    """What to tell a user who asked for `name`, which is none: 'did you mean ffhq?', or the networks to choose from."""
    known = {spelling.lower(): spelling for entry in ENTRIES for spelling in (entry.name, entry.file)}
    near = difflib.get_close_matches(name.lower(), known, n=1)
    return f"did you mean {known[near[0]]}?" if near else "choose from " + ", ".join(GENERATORS)

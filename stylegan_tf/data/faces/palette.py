"""The colours of one face, kept apart from each other where an attribute would be lost in its surroundings."""

from collections.abc import Sequence
from dataclasses import dataclass

from stylegan_tf.data.faces.pen import Colour
from stylegan_tf.data.faces.traits import Face

SKINS: tuple[Colour, ...] = (
    (247, 208, 180),
    (241, 194, 160),
    (229, 177, 138),
    (209, 152, 112),
    (181, 123, 86),
    (148, 97, 67),
    (116, 75, 55),
)
PALE: Colour = (255, 234, 223)
HAIR: dict[str, Colour] = {
    "Black_Hair": (30, 26, 32),
    "Blond_Hair": (242, 200, 104),
    "Brown_Hair": (112, 67, 40),
    "Gray_Hair": (178, 180, 190),
}
# Where no attribute names the colour of the hair: copper, auburn, plum, rose.
DYES: tuple[Colour, ...] = ((200, 98, 50), (158, 58, 44), (116, 52, 92), (222, 124, 142))
IRISES: tuple[Colour, ...] = ((74, 46, 30), (98, 60, 34), (70, 118, 76), (62, 112, 160), (92, 104, 118))
ROSES = (((206, 84, 96), 0.6), ((206, 84, 96), 0.85), ((168, 44, 60), 0.7), ((236, 130, 134), 0.8))  # in bare lips
GLOWS = (
    *(((255, 212, 166), share) for share in (0.28, 0.42)),  # on a lit cheekbone
    *(((255, 246, 238), share) for share in (0.45, 0.55, 0.65)),
    ((250, 170, 128), 0.55),
)
LIPSTICKS: tuple[Colour, ...] = ((203, 28, 58), (222, 52, 112), (146, 24, 74), (232, 66, 60))
SHADOWS: tuple[Colour, ...] = ((122, 84, 178), (64, 132, 176), (176, 74, 128), (70, 146, 128))
CLOTHES: tuple[Colour, ...] = (
    *((52, 72, 116), (48, 124, 128), (222, 170, 72), (202, 100, 74), (130, 48, 68), (70, 110, 86)),
    *((236, 222, 200), (98, 130, 170), (116, 78, 124), (76, 78, 90), (236, 130, 114), (152, 178, 148)),
)
BACKDROPS: tuple[Colour, ...] = (
    *((250, 222, 198), (249, 235, 206), (222, 230, 200), (202, 230, 216), (196, 228, 232), (202, 220, 242)),
    *((216, 212, 240), (232, 210, 234), (246, 210, 218), (250, 214, 200)),
)
JEWELS: tuple[Colour, ...] = ((246, 196, 60), (240, 240, 248), (40, 170, 180), (206, 46, 84))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with a `share` (0 to 1) of `other`."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b


def shaded(colour: Colour, factor: float) -> Colour:
    """Multiplied by `factor`, held within 0 to 255."""
    r, g, b = (min(255, round(value * factor)) for value in colour)
    return r, g, b


def distance(one: Colour, other: Colour) -> int:
    """The largest difference of a channel."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def apart(colour: Colour, others: Sequence[Colour], least: int) -> Colour:
    """`colour`, darkened or lightened by as little as sets it `least` levels from each of `others`."""
    for step in range(13):
        for target in ((0, 0, 0), (255, 255, 255)):
            candidate = mix(colour, target, step * 0.07)
            if all(distance(candidate, other) >= least for other in others):
                return candidate
    return colour


def darkened(colour: Colour, others: Sequence[Colour], least: int) -> Colour:
    """`colour`, darkened in small steps until it lies `least` levels from each of `others`; `apart` where none does."""
    for step in range(13):
        candidate = shaded(colour, 1.0 - step * 0.07)
        if all(distance(candidate, other) >= least for other in others):
            return candidate
    return apart(colour, others, least)


def among(choices: Sequence[Colour], where: float, others: Sequence[Colour] = (), least: int = 0) -> Colour:
    """The choice at `where` (0 to 1), or the first after it that lies `least` levels from each of `others`."""
    first = min(int(where * len(choices)), len(choices) - 1)
    for choice in (*choices[first:], *choices[:first]):
        if all(distance(choice, other) >= least for other in others):
            return choice
    return apart(choices[first], others, least)


def ramp(colours: Sequence[Colour], where: float) -> Colour:
    """The colour at `where` (0 to 1) on a piecewise linear ramp."""
    place = where * (len(colours) - 1)
    index = min(int(place), len(colours) - 2)
    return mix(colours[index], colours[index + 1], place - index)


@dataclass(frozen=True, slots=True)
class Palette:
    skin: Colour
    shade: Colour  # skin in shadow
    crease: Colour  # lines and folds
    ridge: Colour  # a lit cheekbone
    stubble: Colour
    light: Colour  # skin in the light
    hair: Colour
    strand: Colour  # darker in light hair, lighter in dark hair
    hair_dark: Colour
    brow: Colour
    beard: Colour
    tuft: Colour  # moustache and goatee: apart from the beard
    lips: Colour
    iris: Colour
    cloth: Colour
    jewel: Colour


def palette(face: Face) -> Palette:
    """The colours of one face. Where several hair colours are claimed, their mean is drawn."""
    has, traits = face.attributes, face.traits
    skin = PALE if has["Pale_Skin"] else ramp(SKINS, traits.skin)
    skin = (skin[0], skin[1], min(255, max(0, round(skin[2] - 6 * traits.warmth))))
    claimed = [HAIR[name] for name in HAIR if has[name]] or [among(DYES, traits.hair_dye)]
    r, g, b = (sum(channel) / len(claimed) for channel in zip(*claimed, strict=True))
    keep_apart = darkened if len(claimed) == 1 else apart
    hair = keep_apart(shaded((round(r), round(g), round(b)), traits.hair_shade), [skin], 34)
    stubble = darkened(mix(skin, (62, 64, 78), 0.30), [skin], 36)
    beard = darkened(mix(_tinted(hair, 0.9, 0.84, 0.8), skin, 0.2), [skin, stubble], 40)
    bare = [mix(skin, rose, share) for rose, share in ROSES]
    rough = [skin, stubble] if has["5_o_Clock_Shadow"] else [skin]
    hairy = rough if has["No_Beard"] else [*rough, beard]
    natural = among(bare, 0.0, hairy, 42)
    painted = among(LIPSTICKS, traits.lipstick, [*hairy, natural], 56)
    cloth = shaded(among(CLOTHES, traits.clothes), 0.92 + 0.16 * traits.clothes_value)
    return Palette(
        skin=skin,
        shade=darkened(_tinted(skin, 0.86, 0.79, 0.77), [skin], 32),
        ridge=among([mix(skin, glow, share) for glow, share in GLOWS], 0.0, [skin], 32),
        stubble=stubble,
        crease=darkened(_tinted(skin, 0.72, 0.60, 0.58), [skin], 56),
        light=mix(skin, (255, 240, 220), 0.24),
        hair=hair,
        strand=shaded(hair, 0.7) if min(hair) > 90 or max(hair) > 205 else mix(hair, (255, 240, 214), 0.36),
        hair_dark=shaded(hair, 0.78),
        brow=darkened(_tinted(hair, 0.74, 0.65, 0.6), [skin], 62),
        beard=beard,
        tuft=darkened(_tinted(hair, 0.7, 0.6, 0.55), hairy, 38),
        lips=painted if has["Wearing_Lipstick"] else natural,
        iris=among(IRISES, traits.iris),
        cloth=cloth,
        jewel=among(JEWELS, traits.jewel, [hair, skin, cloth], 48),
    )


def _tinted(colour: Colour, red: float, green: float, blue: float) -> Colour:
    return round(colour[0] * red), round(colour[1] * green), round(colour[2] * blue)

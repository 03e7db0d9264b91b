"""The 40 attributes of CelebA: what each one draws, and how often and with which others it occurs."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

# Name -> (what the picture shows where it is true, what it shows where it is false). Alphabetical, as in CelebA's list.
DRAWS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "5_o_Clock_Shadow": ("grey stubble over jaw, chin and upper lip", "clean skin there"),
        "Arched_Eyebrows": ("brows that rise to a peak", "low, nearly level brows"),
        "Attractive": (
            "symmetric features, long lashes, large bright irises, clear skin",
            "one brow and one eye lower, a crooked mouth, smaller irises, two moles",
        ),
        "Bags_Under_Eyes": ("dusky crescents under both eyes", "plain skin there"),
        "Bald": ("a bare, shining crown; a horseshoe of hair about the ears", "hair over the crown"),
        "Bangs": ("a fringe over the forehead, cut above the brows", "a free forehead"),
        "Big_Lips": ("lips about twice as thick", "thin lips"),
        "Big_Nose": ("a nose about twice as wide", "a small nose"),
        "Black_Hair": ("black hair and brows", "another colour"),
        "Blond_Hair": ("golden hair and brows", "another colour"),
        "Blurry": ("the whole picture under a Gaussian blur of 1.4 % of its side", "a sharp picture"),
        "Brown_Hair": ("brown hair and brows", "another colour"),
        "Bushy_Eyebrows": ("brows more than twice as thick", "thin brows"),
        "Chubby": ("full cheeks and a wide jaw", "a slim lower face"),
        "Double_Chin": ("a second fold of skin under the chin", "the neck directly under the chin"),
        "Eyeglasses": ("round or square spectacles", "none"),
        "Goatee": ("a dark pointed tuft from the lower lip to below the chin", "none"),
        "Gray_Hair": ("silver hair and brows", "another colour"),
        "Heavy_Makeup": ("coloured eye shadow, thick eyeliner, pink blush along the cheeks", "bare lids"),
        "High_Cheekbones": ("a bright ridge high on each cheek", "plain skin there"),
        "Male": (
            "broad jaw and neck, short hair, heavier brows, no lashes",
            "soft jaw, slim neck, long, bobbed or pinned-up hair, lashes",
        ),
        "Mouth_Slightly_Open": ("an open mouth with teeth", "closed lips"),
        "Mustache": ("a dark moustache over the upper lip", "none"),
        "Narrow_Eyes": ("eyes half as high", "open, round eyes"),
        "No_Beard": ("a bare jaw", "a full beard along the jaw and chin"),
        "Oval_Face": ("a long face with a narrow chin", "a shorter face with a square jaw"),
        "Pale_Skin": ("porcelain skin", "one of many warm tones, from beige to deep brown"),
        "Pointy_Nose": ("a sharp three-cornered nose", "a round nose"),
        "Receding_Hairline": ("a high hairline with bare corners", "a low, even hairline"),
        "Rosy_Cheeks": ("a round red flush on each cheek", "no flush"),
        "Sideburns": ("strips of hair before the ears, down to the jaw", "bare temples"),
        "Smiling": ("a wide mouth with raised corners", "a level mouth, its corners a little down"),
        "Straight_Hair": ("straight combed strands of a lighter shade", "no strands"),
        "Wavy_Hair": ("a scalloped, curly outline with lighter waves", "a smooth outline"),
        "Wearing_Earrings": ("a stud and drop under each ear", "none"),
        "Wearing_Hat": ("a knitted hat, a cap or a brimmed hat", "none"),
        "Wearing_Lipstick": ("lips in a strong red, pink or plum", "lips near the colour of the skin"),
        "Wearing_Necklace": ("a string of beads with a pendant", "none"),
        "Wearing_Necktie": ("a jacket, a white collar and a tie", "a jumper or a shirt"),
        "Young": ("large eyes, smooth skin", "smaller eyes, wrinkles on forehead, cheeks and eye corners"),
    }
)

Decide = Callable[[str, float], bool]  # (name, probability) -> whether the face has it

ATTRIBUTES: tuple[str, ...] = tuple(DRAWS)

# Never drawn together, and why. Single attributes flipped by hand may still bring any of these about.
ABSENT: tuple[tuple[tuple[str, bool], tuple[str, bool], str], ...] = (
    *(
        (("Male", False), (name, name != "No_Beard"), "facial hair grows on faces drawn as male only")
        for name in ("5_o_Clock_Shadow", "Goatee", "Mustache", "No_Beard", "Sideburns")
    ),
    *((("Male", False), (name, True), "rare in life") for name in ("Bald", "Receding_Hairline", "Wearing_Necktie")),
    *((("Male", True), (name, True), "rare in life") for name in ("Heavy_Makeup", "Wearing_Lipstick", "Rosy_Cheeks")),
    *(
        ((one, True), (other, True), "hair has one colour")
        for one, other in (
            ("Black_Hair", "Blond_Hair"),
            ("Black_Hair", "Brown_Hair"),
            ("Black_Hair", "Gray_Hair"),
            ("Blond_Hair", "Brown_Hair"),
            ("Blond_Hair", "Gray_Hair"),
            ("Brown_Hair", "Gray_Hair"),
        )
    ),
    (("Straight_Hair", True), ("Wavy_Hair", True), "hair is one or the other"),
    *(
        (("Bald", True), (name, True), "no hair there")
        for name in ("Bangs", "Receding_Hairline", "Straight_Hair", "Wavy_Hair")
    ),
    (("Bangs", True), ("Receding_Hairline", True), "a fringe hides the hairline"),
    (("Young", True), ("Gray_Hair", True), "hair turns grey with age"),
    (("Young", True), ("Bald", True), "hair falls out with age"),
    (("Wearing_Necklace", True), ("Wearing_Necktie", True), "one or the other is worn"),
)


def sample(rng: np.random.Generator) -> dict[str, bool]:
    """Draws the 40 attributes, correlated as in life and about as frequent as in CelebA.

    What never occurs together is in `ABSENT`. Takes
    exactly 40 uniform numbers from `rng`, one per attribute, in the order of `ATTRIBUTES`.
    """
    chance = dict(zip(ATTRIBUTES, rng.random(len(ATTRIBUTES)).tolist(), strict=True))
    has: dict[str, bool] = {}

    def decide(name: str, probability: float) -> bool:
        has[name] = chance[name] < probability
        return has[name]

    male = decide("Male", 0.42)
    young = decide("Young", 0.66 if male else 0.85)
    _decide_hair(decide, male, young)
    _decide_beard(decide, male, young)
    _decide_face(decide, male, young)
    _decide_adornment(decide, male, young)
    return {name: has[name] for name in ATTRIBUTES}


def _decide_hair(decide: Decide, male: bool, young: bool) -> None:
    bald = decide("Bald", 0.20 if male and not young else 0.0)
    black = decide("Black_Hair", (0.36 if male else 0.28) * (1.0 if young else 0.5))
    brown = decide("Brown_Hair", 0.0 if black else 0.36 if young else 0.24)
    blond = decide("Blond_Hair", 0.0 if black or brown else 0.13 if male else 0.52)
    decide("Gray_Hair", 0.0 if black or brown or blond or young else 0.5)
    wavy = decide("Wavy_Hair", 0.0 if bald else 0.16 if male else 0.45)
    decide("Straight_Hair", 0.0 if bald or wavy else 0.28 if male else 0.36)
    bangs = decide("Bangs", 0.0 if bald else 0.08 if male else 0.21)
    decide("Receding_Hairline", 0.0 if bald or bangs or not male else 0.15 if young else 0.42)


def _decide_beard(decide: Decide, male: bool, young: bool) -> None:
    beard = not decide("No_Beard", 0.66 if male else 1.0)
    goatee = decide("Goatee", 0.0 if not male else 0.22 if beard else 0.12)
    decide("Mustache", 0.0 if not male else 0.30 if beard or goatee else 0.04)
    decide("Sideburns", 0.0 if not male else 0.25 if beard else 0.08)
    decide("5_o_Clock_Shadow", 0.0 if not male else 0.08 if beard else 0.34)


def _decide_face(decide: Decide, male: bool, young: bool) -> None:
    makeup = decide("Heavy_Makeup", 0.0 if male else 0.68 if young else 0.50)
    lipstick = decide("Wearing_Lipstick", 0.0 if male else 0.92 if makeup else 0.50)
    smiling = decide("Smiling", 0.40 if male else 0.54)
    decide("Mouth_Slightly_Open", 0.74 if smiling else 0.24)
    decide("High_Cheekbones", (0.70 if smiling else 0.22) * (0.8 if male else 1.05))
    chubby = decide("Chubby", 0.13 if not young else 0.04)
    decide("Double_Chin", 0.45 if chubby else 0.08 if not young else 0.015)
    decide("Attractive", 0.22 if chubby or not young else 0.50 if male else 0.70)
    decide("Oval_Face", 0.10 if chubby else 0.25 if male else 0.33)
    decide("Pale_Skin", 0.03 if male else 0.055)
    decide("Rosy_Cheeks", 0.15 if makeup else 0.0 if male else 0.05)
    bushy = decide("Bushy_Eyebrows", 0.25 if male else 0.07)
    decide("Arched_Eyebrows", 0.42 if lipstick and not bushy else 0.12)
    decide("Bags_Under_Eyes", (0.30 if male else 0.11) + (0.0 if young else 0.10))
    big = decide("Big_Nose", (0.36 if male else 0.10) + (0.0 if young else 0.12))
    decide("Pointy_Nose", 0.14 if big else 0.24 if male else 0.36)
    decide("Big_Lips", 0.18 if male else 0.29)
    decide("Narrow_Eyes", 0.16 if smiling else 0.08)


def _decide_adornment(decide: Decide, male: bool, young: bool) -> None:
    decide("Blurry", 0.05)
    decide("Eyeglasses", (0.09 if male else 0.04) + (0.0 if young else 0.08))
    decide("Wearing_Hat", 0.07 if male else 0.035)
    decide("Wearing_Earrings", 0.03 if male else 0.31)
    tie = decide("Wearing_Necktie", 0.0 if not male else 0.13 if young else 0.26)
    decide("Wearing_Necklace", 0.0 if tie else 0.03 if male else 0.19)

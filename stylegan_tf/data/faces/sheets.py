"""Two sheets to look at: many faces, and each attribute off and on.

Run: python -m stylegan_tf.data.faces.sheets OUTDIR
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stylegan_tf.command_line import path_argument
from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.faces.draw import draw
from stylegan_tf.data.faces.palette import HAIR
from stylegan_tf.data.faces.traits import Face, face
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.files import atomic_path
from stylegan_tf.pictures import grid

_INK = (70, 62, 70)
_PAPER = (252, 250, 247)
_ON_MEN = (
    *("5_o_Clock_Shadow", "Bald", "Big_Nose", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Goatee", "Mustache"),
    *("No_Beard", "Receding_Hairline", "Sideburns", "Wearing_Necktie"),
)
_WANTED = ("Attractive", "No_Beard", "Young")
_UNWANTED = (
    *("5_o_Clock_Shadow", "Bags_Under_Eyes", "Bald", "Bangs", "Blurry", "Bushy_Eyebrows", "Chubby", "Double_Chin"),
    *("Eyeglasses", "Goatee", "Heavy_Makeup", "Mustache", "Narrow_Eyes", "Pale_Skin", "Rosy_Cheeks", "Sideburns"),
    *("Straight_Hair", "Wavy_Hair", "Wearing_Hat", "Wearing_Necklace"),
)


def faces_sheet(rows: int = 8, columns: int = 8, resolution: int = 128, seed: int = 0) -> Image.Image:
    """`rows` x `columns` faces of one series, edge to edge."""
    pictures = np.stack([draw(face(seed, index), resolution) for index in range(rows * columns)])
    return Image.fromarray(grid(pictures, columns, rows))


def sitter_for(name: str, seed: int = 0) -> Face:
    """A face that shows an attribute well: drawn as male where the attribute mostly is, and otherwise plain."""
    start = 101 * ATTRIBUTES.index(name)  # another identity for each
    for index in range(start, start + 20000):
        sitter = face(seed, index)
        has = sitter.attributes
        hair = not any(has[colour] for colour in HAIR) if name in HAIR else has["Brown_Hair"] or has["Black_Hair"]
        fit = hair and has["Male"] == (name in _ON_MEN) and sitter.traits.skin < 0.75
        if fit and all(has[each] for each in _WANTED) and not any(has[each] for each in _UNWANTED):
            return sitter
    raise LookupError(f"none of 20000 faces is plain enough to show {name}")


def attributes_sheet(columns: int = 5, resolution: int = 128, seed: int = 0) -> Image.Image:
    """A pair for each of the 40 attributes: the same face with it off and on, its name above."""
    rows = -(-len(ATTRIBUTES) // columns)
    gap, title = 12, 18
    wide, high = 2 * resolution + 2 + gap, resolution + title + gap
    sheet = Image.new("RGB", (columns * wide + gap, rows * high + gap), _PAPER)
    pencil, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, name in enumerate(ATTRIBUTES):
        x, y = gap + number % columns * wide, gap + number // columns * high
        sitter = sitter_for(name, seed)
        pair = (sitter.flipped(name), sitter) if sitter.attributes[name] else (sitter, sitter.flipped(name))
        pencil.text((x, y), name, fill=_INK, font=font)
        for place, each in enumerate(pair):
            sheet.paste(Image.fromarray(draw(each, resolution)), (x + place * (resolution + 2), y + title))
    return sheet


def write_sheets(folder: Path) -> None:
    """Writes faces-sheet.png and faces-attributes.png into an existing folder."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; make it first")
    for name, sheet in (("faces-sheet.png", faces_sheet()), ("faces-attributes.png", attributes_sheet())):
        with atomic_path(folder / name) as draft:
            sheet.save(draft, "PNG", optimize=True)


def main() -> int:
    parser = argparse.ArgumentParser("python -m stylegan_tf.data.faces.sheets", description=__doc__.partition("\n")[0])
    parser.add_argument("outdir", metavar="OUTDIR", type=path_argument, help="folder for the two sheets; it must exist")
    options = parser.parse_args()
    return exit_code(lambda: write_sheets(Path(options.outdir)))


if __name__ == "__main__":
    sys.exit(main())

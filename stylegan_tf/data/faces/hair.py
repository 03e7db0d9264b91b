"""Hair: behind the head, over the crown, beside the ears, over the forehead."""

import numpy as np

from stylegan_tf.data.faces.palette import Palette
from stylegan_tf.data.faces.pen import Pen, mirrored, plane, scalloped, smooth
from stylegan_tf.data.faces.traits import Face


def _lock(pen: Pen, face: Face, paint: Palette, points: list[tuple[float, float]]) -> None:
    """One mass of hair, given clockwise; Wavy_Hair scallops its outline."""
    shape = smooth(points)
    if face.attributes["Wavy_Hair"]:
        shape = scalloped(shape, 2.1, 6.0)
    pen.fill(shape, paint.hair)


def long_cut(face: Face) -> str:
    """Which hair a face drawn as female wears: "long", "bob" or "bun"."""
    where = face.traits.long_cut
    return "long" if where < 0.5 else "bob" if where < 0.78 else "bun"


def draw_hair_behind(pen: Pen, face: Face, paint: Palette) -> None:
    """What hangs behind the neck; none on a bald head or a short cut."""
    has, volume = face.attributes, face.traits.hair_volume
    if has["Bald"]:
        return
    if has["Male"]:  # no gap between skull and crown
        pen.blob(mirrored([(0, -38), (14, -35), (22.5, -22), (23, -6), (0, -4)]), paint.hair)
        return
    cut, w = long_cut(face), 25.5 + 2.0 * volume
    if cut == "bun":
        if not has["Wearing_Hat"]:
            _lock(pen, face, paint, mirrored([(0, -46.5), (7, -45.5), (10, -40), (8, -35), (0, -33)]))
        _lock(pen, face, paint, mirrored([(0, -39), (15, -36), (23, -24), (24, -6), (21, 8), (12, 16), (0, 16)]))
        return
    if cut == "bob":
        tail = [(w + 1, 2), (w + 0.5, 16), (w - 3.5, 23), (w - 10, 23.5), (0, 16)]
    else:
        tail = [(w + 1, 4), (w + 1.5, 24), (w + 2, 40), (w - 2, 50), (10, 52), (0, 52)]
    _lock(pen, face, paint, mirrored([(0, -41 - volume), (16, -37), (24, -24), (w, -10), *tail]))
    deep = 14.0 if cut == "bob" else 42.0
    pen.blob(mirrored([(0, -20), (17, -10), (17.5, deep * 0.5), (16.0, deep), (0, deep + 3)]), paint.hair_dark)
    _draw_tail_strands(pen, face, paint, w, 15.0 if cut == "bob" else 47.0)


def _draw_tail_strands(pen: Pen, face: Face, paint: Palette, wide: float, low: float) -> None:
    has = face.attributes
    for side in (-1, 1):
        for step in (0.0, 2.6, 5.0):
            x = side * (wide - 1.2 - step)
            if has["Straight_Hair"]:
                pen.stroke([(x, -6), (x + side * 0.8, low * 0.5), (x + side, low - step)], 1.2, paint.strand, 0.5)
            if has["Wavy_Hair"]:
                wave = [(x + side * (1.3 if k % 2 else -0.9), y) for k, y in enumerate(np.arange(-4, low - step, 6.0))]
                pen.stroke(wave, 0.9, paint.strand, 0.5)


def draw_hair(pen: Pen, face: Face, paint: Palette) -> None:
    """All hair before the head: sides, crown, Bangs. Bald takes the crown away, never the sides or the Bangs."""
    has = face.attributes
    _draw_sides(pen, face, paint)
    if not has["Bald"]:
        (_draw_short_crown if has["Male"] else _draw_long_crown)(pen, face, paint)
    if has["Bangs"]:
        _draw_bangs(pen, face, paint)


def _draw_sides(pen: Pen, face: Face, paint: Palette) -> None:
    """Hair between crown and ears: on a bald head all that is left, and still less with a Receding_Hairline."""
    has = face.attributes
    bare = has["Bald"]
    top = -7.0 if bare and has["Receding_Hairline"] else -15.0 if bare else -24.0
    low = 9.0 if bare else -2.0
    for side in (-1, 1):
        points = [
            (17.8, top + 5),
            (20, top),
            (22.8, top + 1),
            (24.2, (top + low) / 2),
            (23.8, low - 1),
            (22.0, low + 1),
        ]
        points += [(20.6, low - 3), (19.6, (top + low) / 2)]
        outline = [(side * x, y) for x, y in points]
        _lock(pen, face, paint, outline if side > 0 else outline[::-1])
        for k, x in enumerate((20.8, 22.2, 23.6)):
            if has["Straight_Hair"] and (bare or has["Wearing_Hat"]):
                pen.stroke([(side * x, top + 2 + k), (side * (x + 0.3), low - 1.5)], 1.0, paint.strand, 0.4)


def _draw_short_crown(pen: Pen, face: Face, paint: Palette) -> None:
    has, traits = face.attributes, face.traits
    lift, lean = 2.0 + 4.0 * traits.hair_volume, 3.0 if traits.parting > 0 else -3.0
    hairline = -19.5 if has["Wearing_Hat"] and not has["Receding_Hairline"] else -23.5
    outer = [
        (-24.2, -12),
        (-24.2, -22),
        (-19, -33.5),
        (-9, -39),
        (0, -40),
        (9, -39),
        (19, -33.5),
        (24.2, -22),
        (24.2, -12),
    ]
    inner = [(-19.6, -12), (-18.8, -18), (-16, -23), (-9, hairline), (0, hairline - 1), (9, hairline), (16, -23)]
    inner += [(18.8, -18), (19.6, -12)]
    if has["Receding_Hairline"]:
        inner[1:8] = [(-18.8, -23), (-15, -31), (-9, -33.6), (0, -30.0), (9, -33.6), (15, -31), (18.8, -23)]
    if traits.short_cut > 0.66:  # a quiff
        outer[3:6] = [(x + lean, y - lift) for x, y in outer[3:6]]
    elif traits.short_cut > 0.33:  # a side parting
        inner[3:6] = [
            (x + lean, y + d) for (x, y), d in zip(inner[3:6], (2, 0, -2) if lean > 0 else (-2, 0, 2), strict=True)
        ]
        outer[3:6] = [(x, y - 0.5 * lift) for x, y in outer[3:6]]
    _draw_band(pen, face, paint, outer, inner)


def _draw_long_crown(pen: Pen, face: Face, paint: Palette) -> None:
    has, traits = face.attributes, face.traits
    part, top = 6.0 * traits.parting, -40.5 - 2.0 * traits.hair_volume
    w, low = (24.0, 1.0) if long_cut(face) == "bun" else (26.0 + 1.5 * traits.hair_volume, 14.0)
    outer = [
        (-w, low),
        (-w, -8),
        (-24.2, -22),
        (-16, -36.5),
        (part * 0.3, top),
        (16, -36.5),
        (24.2, -22),
        (w, -8),
        (w, low),
    ]
    edge = -19.5 if has["Wearing_Hat"] else -22.0
    inner = [(-20.6, low), (-19.8, -6), (-18.2, -15), (-11 + part * 0.3, edge), (part, -29.5), (11 + part * 0.3, edge)]
    inner += [(18.2, -15), (19.8, -6), (20.6, low)]
    if has["Receding_Hairline"]:
        inner[1:8] = [(-20.6, -8), (-20, -22), (-13, -32.6), (part, -30), (13, -32.6), (20, -22), (20.6, -8)]
    _draw_band(pen, face, paint, outer, inner)


def _draw_band(
    pen: Pen, face: Face, paint: Palette, outer: list[tuple[float, float]], inner: list[tuple[float, float]]
) -> None:
    """The hair, and its strands, between an outer edge and a hairline: left to right, with as many points each."""
    has = face.attributes
    _lock(pen, face, paint, [outer[0], *outer, outer[-1], inner[-1], *inner[::-1], inner[0]])
    out, into = plane(outer), plane(inner)
    middle = len(outer) // 2
    if not has["Straight_Hair"] and not has["Wavy_Hair"]:
        sheen = 0.55 * out + 0.45 * into
        pen.stroke(sheen[middle - 2 : middle + 2], 1.6, paint.strand, 1.0, 0.5)
    if has["Wavy_Hair"]:
        for share in (0.3, 0.68):
            arc = smooth(share * out + (1 - share) * into, closed=False)[::3]
            wave = arc + 1.3 * (arc / np.abs(arc)) * np.where(np.arange(len(arc)) % 2, 1, -1)
            pen.stroke(wave, 1.0, paint.strand, 0.4)
    if has["Straight_Hair"]:
        for share, ends in ((0.2, 7), (0.48, 9), (0.76, 5)):
            arc = smooth(share * out + (1 - share) * into, closed=False)[ends:-ends:4]
            pen.stroke(arc, 1.5, paint.strand, 0.9)


def _draw_bangs(pen: Pen, face: Face, paint: Palette) -> None:
    """A fringe down to the brows; only its middle with a Receding_Hairline."""
    has = face.attributes
    reach = 11.0 if has["Receding_Hairline"] else 19.4
    top = -24.0 if has["Wearing_Hat"] else -36.0 if has["Bald"] else -33.0
    lean = 1.0 if face.traits.parting > 0 else -1.0
    points = [(-reach, -21), (-reach * 0.8, -29), (0, top), (reach * 0.8, -29), (reach, -21), (reach, -12.5)]
    points += [(reach * 0.55, -14.6), (0, -15.4 + lean * 0.6), (-reach * 0.55, -14.6), (-reach, -12.5)]
    _lock(pen, face, paint, points)
    for step in (-0.62, -0.2, 0.2, 0.62):
        x = step * reach
        colour = paint.strand if has["Straight_Hair"] else paint.hair_dark
        pen.stroke([(x * 0.8, -25), (x, -20), (x + lean * 1.2, -15.6)], 0.9, colour, 0.6)

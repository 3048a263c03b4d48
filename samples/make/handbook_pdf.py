"""Makes millrace-handbook.pdf. Text, drawing and layout are the project's own.

    python3 -m venv venv && venv/bin/pip install reportlab fonttools pikepdf python-bidi \
        pylopdf-fonts-jp
    venv/bin/python samples/make/handbook_pdf.py samples/millrace-handbook.pdf

DejaVu is looked for where Debian's package fonts-dejavu-core puts it. The same packages make the
same file byte for byte, because dates and ids are fixed below.
"""
import importlib.resources
import io
import sys

import pikepdf
from bidi.algorithm import get_display
from fontTools import subset
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont as FontFile
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle,
)
from reportlab.platypus.flowables import Flowable

DEJAVU = "/usr/share/fonts/truetype/dejavu/"
GREEK = (
    "Ο μυλωνάς ανοίγει το φράγμα νωρίς το πρωί. Το νερό τρέχει στο αυλάκι, γυρίζει τον τροχό "
    "και οι πέτρες αλέθουν το σιτάρι μέχρι να βραδιάσει."
)
CYRILLIC = (
    "Мельник открывает затвор рано утром. Вода бежит по жёлобу, вращает колесо, и жернова мелют "
    "зерно до самого вечера."
)
HEBREW = "הטוחן פותח את הסכר מוקדם בבוקר. המים זורמים בתעלה ומסובבים את הגלגל הגדול."
JAPANESE = "粉屋は朝早く水門を開けます。水は水路を流れて水車を回し、石臼は夕方まで小麦をひき続けます。"


def japanese_font():
    """Noto Sans JP as TrueType outlines, cut down to the characters above."""
    path = importlib.resources.files("pylopdf_fonts_jp") / "NotoSansJP-Regular.otf"
    font = FontFile(str(path))
    options = subset.Options()
    options.layout_features = []
    cutter = subset.Subsetter(options)
    cutter.populate(text=JAPANESE)
    cutter.subset(font)
    glyphs = {}
    drawings = font.getGlyphSet()
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(drawings)
        drawings[name].draw(Cu2QuPen(pen, max_err=1.0, reverse_direction=True))
        glyphs[name] = pen.glyph()
    made = FontBuilder(font["head"].unitsPerEm, isTTF=True)
    made.setupGlyphOrder(font.getGlyphOrder())
    made.setupCharacterMap(font.getBestCmap())
    made.setupGlyf(glyphs)
    made.setupHorizontalMetrics({
        name: (font["hmtx"][name][0], made.font["glyf"][name].xMin if glyphs[name].numberOfContours else 0)
        for name in glyphs
    })
    made.setupHorizontalHeader(ascent=880, descent=-120)
    made.setupNameTable({"familyName": "MillraceSample", "styleName": "Regular", "psName": "MillraceSample-JP"})
    made.setupOS2(sTypoAscender=880, sTypoDescender=-120)
    made.setupPost()
    made.font.recalcTimestamp = False
    made.font["head"].created = made.font["head"].modified = 0
    held = io.BytesIO()
    made.save(held)
    held.seek(0)
    return held


pdfmetrics.registerFont(TTFont("Body", DEJAVU + "DejaVuSerif.ttf"))
pdfmetrics.registerFont(TTFont("Head", DEJAVU + "DejaVuSans-Bold.ttf"))
pdfmetrics.registerFont(TTFont("Sans", DEJAVU + "DejaVuSans.ttf"))
pdfmetrics.registerFont(TTFont("Japanese", japanese_font()))

body = ParagraphStyle("body", fontName="Body", fontSize=10.5, leading=15, spaceAfter=8)
title = ParagraphStyle("title", fontName="Head", fontSize=24, leading=30, spaceAfter=16)
head = ParagraphStyle("head", fontName="Head", fontSize=15, leading=20, spaceBefore=10, spaceAfter=8)
small = ParagraphStyle("small", parent=body, fontName="Sans", fontSize=9.5, leading=13)
japanese = ParagraphStyle("japanese", parent=body, fontName="Japanese", wordWrap="CJK")


class Hebrew(Flowable):
    """Lines written from the right, in the order in which a page shows them."""

    def __init__(self, text):
        super().__init__()
        words, self.lines = text.split(), []
        while words:
            self.lines.append(" ".join(words[:7]))
            words = words[7:]

    def wrap(self, width, _height):
        self.width = width
        return width, 16 * len(self.lines) + 8

    def draw(self):
        self.canv.setFont("Sans", 11)
        for number, line in enumerate(self.lines):
            at = 16 * (len(self.lines) - number) - 8
            self.canv.drawRightString(self.width, at, get_display(line))


class Wheel(Flowable):
    """A water wheel, drawn with lines only."""

    def wrap(self, width, _height):
        self.width = width
        return width, 190

    def draw(self):
        import math
        pen = self.canv
        x, y = self.width / 2, 95
        pen.setStrokeColor(colors.HexColor("#264653"))
        pen.setLineWidth(3)
        pen.circle(x, y, 80)
        pen.circle(x, y, 62)
        pen.setLineWidth(1.5)
        for step in range(16):
            angle = step * math.pi / 8
            pen.line(x + 12 * math.cos(angle), y + 12 * math.sin(angle),
                     x + 86 * math.cos(angle), y + 86 * math.sin(angle))
        pen.setStrokeColor(colors.HexColor("#2a9d8f"))
        for wave in range(4):
            pen.line(40, 10 + 4 * wave, self.width - 40, 10 + 4 * wave)


def page(*parts):
    return [*parts, PageBreak()]


def p(text, style=body):
    return Paragraph(text, style)


STORY = [
    *page(
        p("The Millrace Handbook", title),
        p("How water, grain and documents find their way", head),
        p("A millrace is the channel that leads water from the river to the wheel and back again. "
          "It has one inlet, one outlet and a gate, and everything a mill does depends on how "
          "steadily the water comes through it. Too little, and the stones stand still. Too much, "
          "and the wheel breaks its paddles."),
        p("This handbook describes a small mill and, beside it, a small program of the same name. "
          "The program leads documents instead of water: jobs come in on one side, pass a row of "
          "stages, and leave as results on the other side. The comparison is not perfect, but it "
          "has helped more than one reader to remember which part does what."),
        Wheel(),
        p("Figure 1: an undershot wheel with sixteen paddles.", small),
    ),
    *page(
        p("1. Opening the gate", head),
        p("Before the gate is raised, walk along the channel and take out branches, leaves and "
          "stones. A single branch across the rack costs a quarter of the day's flow. Then raise "
          "the gate by a hand's width and wait until the wheel has made ten full turns."),
        p("1.1 Signs of too much water", head),
        p("The wheel throws spray to both sides, the bearings begin to sing, and the flour comes "
          "out warm. Lower the gate at once. Warm flour spoils within a week, and a hot bearing "
          "can set fire to the mill."),
        p("1.2 Signs of too little water", head),
        p("The stones rumble unevenly and stop when a larger handful of grain falls in. Look at "
          "the rack first, then at the river. In a dry August most mills grind only from dawn "
          "until noon, while the pond behind the dam is still full from the night."),
        p("2. One sack, one receipt", head),
        p("Every farmer who leaves a sack gets a receipt, and every receipt is called out exactly "
          "once. If a sack turns out to be mouldy, the farmer is told so; nobody waits at the door "
          "for flour that will never come."),
    ),
    *page(
        p("3. Stones and what they are for", head),
        p("The table lists the pairs of stones in the mill house. Speeds are turns per minute of "
          "the upper stone with the gate half open."),
        Table(
            [["Pair", "Stone", "Diameter (cm)", "Speed (1/min)", "Grain"],
             ["1", "Sandstone", "120", "110", "Barley, oats"],
             ["2", "Basalt lava", "130", "95", "Rye"],
             ["3", "Quartz", "115", "125", "Wheat"],
             ["4", "Granite", "90", "140", "Buckwheat, spelt"]],
            style=TableStyle([
                ("FONT", (0, 0), (-1, 0), "Head", 9.5),
                ("FONT", (0, 1), (-1, -1), "Sans", 9.5),
                ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
                ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
                ("ALIGN", (2, 1), (3, -1), "RIGHT"),
            ]),
            hAlign="LEFT",
        ),
        Spacer(1, 12),
        p("Stones are dressed after every eighty hours of work. Dressing means cutting the furrows "
          "anew, so that they carry the flour from the eye of the stone to its rim. A dull stone "
          "does not grind finer, it only grinds hotter."),
    ),
    PageBreak(),
    *page(
        p("4. Millers of other rivers", head),
        p("The same two sentences, as they are told on other rivers.", small),
        p("Ελληνικά", head),
        p(GREEK),
        p("Русский", head),
        p(CYRILLIC),
        p("Hebrew", head),
        Hebrew(HEBREW),
        p("Japanese", head),
        p(JAPANESE, japanese),
    ),
    p("5. Closing the gate", head),
    p("In the evening the gate is lowered before the grain is stopped, never the other way round: a "
      "wheel that turns without grain wears the stones against each other. What is in the hopper "
      "is ground to the end, what still stands in front of the door is taken in for the night."),
    p("6. Rules on the door", head),
    p("First: whoever brings grain takes home flour or an answer. Second: nothing goes into the "
      "hopper that nobody has looked at. Third: the miller who cannot grind a sack says why. "
      "Fourth: water is opened slowly and closed quickly."),
]


def main(target):
    held = io.BytesIO()
    SimpleDocTemplate(
        held, pagesize=A4, invariant=1, leftMargin=64, rightMargin=64, topMargin=64,
        bottomMargin=64, title="The Millrace Handbook", author="The Millrace project",
        subject="A sample document", keywords="water mill, handbook, millrace",
    ).build(STORY)
    held.seek(0)
    with pikepdf.open(held) as pdf:
        pdf.docinfo["/CreationDate"] = "D:20261102081500+01'00'"
        pdf.docinfo["/ModDate"] = "D:20261103174530+01'00'"
        pdf.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)


main(sys.argv[1])

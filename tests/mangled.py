"""Arabic text as the web holds it, for hypothesis: decorated, invisible, broken and mixed."""

from __future__ import annotations

from hypothesis import strategies as st

WORDS = ["قالَ", "وَزِيرٌ", "الرئيـــس", "وأضافَ", "إنّ", "ﻷﻣﺮ", "ﷺ", "ﷲ", "ﺑﻴﺎن", "٢٠١٥", "ایران", "کتاب", "ٱلله", "لـوزارة"]
MARKS = ["َ", "ّ", "ٰ", "ۖ", "\u0654", "\u0653", "\u0301", "ـ", "\ufe0f"]
QUOTES = ["«", "»", '"', "“", "”", "„", "‹", "›", "'", "＂"]
SEEN = ["،", "؛", ":", ".", "؟", "(", ")", "🙂", "👨\u200d👩\u200d👧", "❤\ufe0f", "e\u0301", "a", "7", "%", "_"]
UNSEEN = ["\u200e", "\u200f", "\u202b", "\u202c", "\u2066", "\u2069", "\u200b", "\u200d", "\ufeff", "\u00ad", "\0"]
SPACES = [" ", "\t", "\u00a0", "\u2003", "\r\n", "\r", "\n", "\u2028", "\u2029", "\u0085", "\x0b"]

mangled = st.lists(st.sampled_from(WORDS + MARKS + QUOTES + SEEN + UNSEEN + SPACES) | st.characters(), max_size=40).map(
    "".join
)

_word = st.lists(st.sampled_from(WORDS + MARKS + QUOTES + SEEN + UNSEEN), min_size=1, max_size=3).map("".join)
_space = st.sampled_from([" ", " ", " ", "\t", "\u00a0", "\u2003", "\u200f "])
_newline = st.sampled_from(["\n", "\r\n", "\r", "\u2028", "\u2029", "\u0085", "\n\n", " \n\t"])


@st.composite
def _paragraph(draw: st.DrawFn) -> str:
    words = draw(st.lists(_word | st.sampled_from(WORDS), min_size=5, max_size=14))
    return "".join(word + draw(_space) for word in words) + draw(st.sampled_from([".", "", "».", '"', "\u200f."]))


@st.composite
def _article(draw: st.DrawFn) -> str:
    paragraphs = draw(st.lists(_paragraph(), min_size=1, max_size=4))
    return "".join(paragraph + draw(_newline) for paragraph in paragraphs)


# With paragraphs enough for an article to be found in it.
mangled_article = _article()

"""Bytes to text: which encoding an Arabic text file is in, and decoding it whole or as it streams."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from extractor.document import UnreadableError

_BLOCK = 1 << 16
_BINARY = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip archive or an Office document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x7fELF": "a program",
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a database",
}
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ORDINARY = re.compile("[\t\n\r\x1a -~\xa0-\xff\u0600-\u06ff\u2000-\u206f\ufb50-\ufdff\ufe70-\ufeff]")
_CONTROL = re.compile("[\0-\x08\x0e-\x1f\x7f]")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


def decode(data: bytes) -> str:
    """The text of a whole file, without its byte order mark. Raises UnreadableError with the reason."""
    return _decoded(data, detect(data))


def decode_page(data: bytes) -> str:
    """The same for HTML, which may name its encoding; what looks like UTF-8 is, whatever the page says.

    Broken bytes in a page of UTF-8 become U+FFFD, as in a browser.
    """
    if _looks_like_utf8(data[:_BLOCK]) and not data.startswith(tuple(_BYTE_ORDER_MARKS)):
        return data.decode("utf-8", "replace")
    declared = _META_CHARSET.search(data[:_BLOCK])
    if declared and not _is_utf8(data, cut=False):
        try:
            text = data.decode(declared[1].decode("ascii", "replace"))
        except (LookupError, UnicodeError):
            return decode(data)
        if _is_ordinary(text[:_BLOCK]):
            return text
    return decode(data)


def decoded_blocks(stream: BinaryIO) -> Iterator[str]:
    """The text of a stream, block by block. Raises UnreadableError where it is not text.

    Broken UTF-8 does not stop it: such bytes come out as lone surrogates, so that one record can be rejected.
    """
    block = stream.read(_BLOCK)
    codec = detect(block, cut=len(block) == _BLOCK)
    decoder = codecs.getincrementaldecoder(codec)("surrogateescape" if codec.startswith("utf-8") else "strict")
    try:
        while block:
            yield decoder.decode(block)
            block = stream.read(_BLOCK)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"stops being {codec}: {error.reason}; save it as UTF-8") from error


def detect(data: bytes, *, cut: bool = False) -> str:
    """The codec of a text; ``cut`` where ``data`` is only its beginning and may end in a character.

    In this order: byte order mark, UTF-16 without one, UTF-8, Windows-1256, what charset-normalizer guesses.
    UTF-16 comes before UTF-8: the bytes of Arabic in UTF-16 are nearly all ASCII. With a few broken bytes it
    is still UTF-8; decoding finds them. Raises UnreadableError.
    """
    for mark, codec in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return codec
    for magic, kind in _BINARY.items():
        if data.startswith(magic):
            raise UnreadableError(f"is {kind}, not text; convert it to plain text first")
    sample = data[:_BLOCK]
    if b"\0" in sample or b"\x06" in sample:
        for codec in ("utf-16-le", "utf-16-be"):
            if _is_ordinary(_beginning(sample, codec)):
                return codec
    if _is_utf8(data, cut=cut):
        if len(_CONTROL.findall(_beginning(sample, "utf-8"))) > len(sample) / 10:
            raise UnreadableError("is binary, not text; convert it to plain text first")
        return "utf-8"
    return "utf-8" if _looks_like_utf8(sample) else _guess(sample)


def _guess(sample: bytes) -> str:
    """Windows-1256 by our own rule: charset-normalizer misses it in short texts."""
    text = _beginning(sample, "cp1256")
    if _is_ordinary(text) and _is_arabic(text):
        return "cp1256"
    import charset_normalizer  # slow to import, seldom needed

    best = charset_normalizer.from_bytes(sample).best()
    if best is None or not _is_ordinary(str(best)):
        raise UnreadableError("is not text in an encoding that is known here; save it as UTF-8")
    return best.encoding


def _looks_like_utf8(sample: bytes) -> bool:
    """More characters are whole than broken; in no other encoding does Arabic look like that."""
    text = sample.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(not char.isascii() for char in text) > 2 * broken


def _decoded(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is {codec}, but not at byte {error.start}; save it again as UTF-8") from error


def _is_utf8(data: bytes, *, cut: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        return False
    return True


def _beginning(sample: bytes, codec: str) -> str:
    return codecs.getincrementaldecoder(codec)("replace").decode(sample)


def _is_ordinary(text: str) -> bool:
    """Nearly all of it is Arabic, Latin, punctuation or white space."""
    return len(_ORDINARY.findall(text)) > 0.95 * len(text)


def _is_arabic(text: str) -> bool:
    """Nine of ten letters beyond ASCII; the other Arabic code pages and mojibake stay below."""
    letters = [char for char in text if not char.isascii() and char.isalpha()]
    arabic = sum("\u0600" <= char <= "\u06ff" for char in letters)
    return bool(letters) and arabic >= 0.9 * len(letters)

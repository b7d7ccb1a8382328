"""Personal data: mail and IP addresses, card and phone numbers."""

import ipaddress
import re
from collections.abc import Iterator

from workflow_audit.domain.redaction.expressions import Check, Expression, Span

# --- Mail ---

_UNITS = {b"service", b"socket", b"timer", b"mount", b"target", b"slice", b"scope", b"device"}
_VERSION = re.compile(rb"v?[0-9]+\.[0-9]")


def _email(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    local, _, domain = data[start:end].rpartition(b"@")
    # git@github.com:org/repo, getty@tty1.service and module@v1.2.3-rc.one are no mailboxes.
    unit = domain.rpartition(b".")[2] in _UNITS
    if local != b"git" and not unit and not _VERSION.match(domain):
        yield start, end


# --- Numbers ---

_DIGITS = frozenset(b"0123456789")
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
_GROUP = re.compile(rb"[0-9]+")
_DATE = re.compile(rb"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_MAX_OCTET = 255
_MAX_ADDRESS = 64


def _alone(data: bytes, start: int, end: int, joiners: bytes = b"") -> bool:
    """Say whether a span is no part of a word, nor of a longer one written with joiners."""
    before, after = data[max(0, start - 2) : start][::-1], data[end : end + 2]
    return not any(
        near and (near[0] in _WORD or (near[0] in joiners and near[1:] and near[1] in _WORD))
        for near in (before, after)
    )


def _ipv4(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    five_parts = (data[start - 1 : start] == b"." and data[start - 2 : start - 1].isdigit()) or (
        data[end : end + 1] == b"." and data[end + 1 : end + 2].isdigit()
    )
    octets = all(int(part) <= _MAX_OCTET for part in data[start:end].split(b"."))
    if octets and not five_parts and _alone(data, start, end):
        yield start, end


def _ipv6(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    if end - start > _MAX_ADDRESS:
        return
    # As in: addr:2001:db8::1 or 2001:db8::1: refused or 2001:db8::1.
    if data[start] == ord(":") != data[start + 1]:
        start += 1
    text = data[start:end].rstrip(b".")
    text = text if text.endswith(b"::") else text.removesuffix(b":")
    if _alone(data, start, start + len(text)):
        for candidate in (text, text.rpartition(b":")[0]):  # the second: all groups, then a port
            if _is_ipv6(candidate):
                yield start, start + len(candidate)
                return


def _is_ipv6(text: bytes) -> bool:
    groups = text.split(b":")
    if text != b"::1" and (sum(map(bool, groups)) <= 1 or {len(group) for group in groups} == {2}):
        return False  # the `::` of a program's text; an EUI-64 or a fingerprint
    try:
        ipaddress.IPv6Address(text.decode())
    except ValueError:
        return False
    return True


# Visa, American Express, Diners, Mastercard twice, then Discover, UnionPay, Maestro and JCB.
# Milliseconds since 1970 begin with 1, so Luhn's one in ten does not hit them.
_BRANDS = re.compile(
    rb"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11,16}"
    rb"|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    rb"|(?:6011|6[245][0-9]{2}|50[0-9]{2}|35[2-8][0-9])[0-9]{12,15}"
)
_CARD_GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4)} | {(4, 4, 4, 4, last) for last in (1, 2, 3)}
_CARD_LENGTHS = range(13, 20)
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def _card(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    groups = [(start + m.start(), start + m.end()) for m in _GROUP.finditer(data[start:end])]
    for at in range(len(groups)):  # a number before the card may look like its beginning
        for count in (5, 4, 3, 1):
            if _is_card(data, groups[at : at + count], count):
                yield groups[at][0], groups[at + count - 1][1]
                break


def _is_card(data: bytes, groups: list[Span], count: int) -> bool:
    lengths = tuple(end - start for start, end in groups)
    if len(lengths) != count:
        return False
    if lengths not in _CARD_GROUPS and (count > 1 or lengths[0] not in _CARD_LENGTHS):
        return False
    digits = b"".join(data[start:end] for start, end in groups)
    total = sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED))
    luhn = (total - len(digits) * ord("0")) % 10 == 0
    return (
        luhn and bool(_BRANDS.fullmatch(digits)) and _alone(data, groups[0][0], groups[-1][1], b".")
    )


def _phone(digits: range, joiners: bytes) -> Check:
    """Give the check for numbers with so many digits; what follows further on is no part."""

    def check(data: bytes, match: int, start: int, end: int) -> Iterator[Span]:
        total, stop = 0, start
        date = _DATE.search(data, start, end)
        for group in _GROUP.finditer(data[start : date.start() if date else end]):
            if total + len(group.group()) >= digits.stop:
                break
            total, stop = total + len(group.group()), start + group.end()
        if total >= digits.start and _alone(data, match, stop, joiners):
            yield start, stop

    return check


# --- The patterns ---

_LOCAL = r"""(?:[\pL\pN_][\pL\pM\pN._%+'!#$*^~-]*|"[^"\s][^"\n]{0,62}")"""
_DOMAIN = r"(?:(?:[\pL\pM\pN_-]+\.)+(?:xn--[A-Za-z0-9-]+|\pL[\pL\pM]+)|\[[0-9A-Fa-f:.IPv]+\])"
_NUMBER_NAMES = r"(?i:tel|telefon|telephone|phone|mobile|mobil|cell|fax|whatsapp|msisdn|rufnummer)"

EMAIL = (Expression(rf"{_LOCAL}(?:@|%40){_DOMAIN}", _email),)

CREDIT_CARD = (Expression(r"\b[0-9]{4}[ -]?[0-9]{4,6}[ -]?[0-9]{4,5}(?:[ -]?[0-9]+)*", _card),)

IPV6 = (
    Expression(
        r"(?:[0-9A-Fa-f:]*::[0-9A-Fa-f:.]*|:?(?:[0-9A-Fa-f]{1,4}:){6,}[0-9A-Fa-f:.]+)"
        r"(?:%[\w.-]{1,32})?",
        _ipv6,
    ),
)

IPV4 = (Expression(r"\b[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\b", _ipv4),)

# International; American; with a zero in front, as in most of Europe; after its name.
PHONE = (
    Expression(r"\+[1-9](?:[ \x{a0}./()-]{0,2}[0-9])+", _phone(range(8, 16), b"")),
    Expression(
        r"(?:\([2-9][0-9]{2}\)[ -]?[2-9][0-9]{2}[ .-]?|\b(?:1[.-])?[2-9][0-9]{2}[.-]"
        r"[2-9][0-9]{2}[.-])[0-9]{4}",
        _phone(range(10, 12), b"-.+"),
    ),
    Expression(
        r"(?:\(0[0-9]{1,4}\) ?|\b0[1-9][0-9]{1,3}[ /-]|\b00[1-9][0-9]{0,2}[ /-][0-9]+[ /-])"
        r"[0-9]{2,8}(?:[ -][0-9]{2,8}){0,4}",
        _phone(range(9, 15), b"-.+"),
    ),
    Expression(r"\b0[1-9](?:[ .-][0-9]{2}){4}", _phone(range(10, 11), b"-.+")),
    Expression(
        rf"\b{_NUMBER_NAMES}(?i:[ ]?(?:no|nr|number|nummer))?\.?[\"'\\]*[ \t]*[:=]?"
        r"[ \t\"'\\]*([0-9(][0-9 ()./-]{5,24}[0-9])",
        _phone(range(7, 16), b""),
    ),
)

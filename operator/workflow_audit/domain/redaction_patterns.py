r"""What the built-in patterns look for: RE2 expressions, and the checks behind them.

RE2 has neither look-around nor arithmetic. So an expression finds a candidate, and its check
looks at it and at its neighbours and says which parts of it must go. What always holds:
- No expression uses `^`, `$`, `\A` or `\z`: one search over all texts of a tree, joined by line
  feeds, finds whatever a search of each text would find.
- A repeated search stays linear: what an expression reads ahead and gives back holds no
  further match, so the next search does not read ahead over it once more. The checks use `re`,
  which is three times as fast to call, on expressions that never try a byte twice.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from workflow_audit.models.policy import BuiltinPattern

Span = tuple[int, int]
"""Start and end in bytes."""

Check = Callable[[bytes, int, int, int], Iterator[Span]]
"""From the data, the start of the match and the span of its group: the spans that must go."""


class Expression(NamedTuple):
    """One expression of a pattern; its first group that took part must go, else all of it."""

    regex: str
    check: Check | None = None


# --- Passwords and tokens: a name, a sign, a value ---

_WORDS = r"passwor[dt]|passwd|passphrase|passcode|kennwort|contraseña"
_PASSWORD_NAMES = (
    rf"(?i:{_WORDS}|(?:\b|_)(?:pwd|pass)|client[_-]?secret|_secret"
    r"|secret[_-]?access[_-]?key|secret[_-]key|(?:account|shared_?access)_?key)"
)
_TOKEN_NAMES = r"(?:(?i:(?:\b|_)(?:token|api[_-]?key))|[a-z](?:Token|ApiKey))"  # noqa: S105

SECRET_KEYS: Mapping[BuiltinPattern, str] = MappingProxyType(
    {
        BuiltinPattern.PASSWORD: rf"[\w.-]*{_PASSWORD_NAMES}",
        BuiltinPattern.BEARER_TOKEN: rf"[\w.-]*(?:{_TOKEN_NAMES}|(?i:authorization))",
    }
)
"""Keys of a tree whose text is a secret as a whole, whatever it looks like."""

# Quoted as in JSON inside JSON, in JSON, in YAML or a shell; an open quote ends with its line.
# Of a bare value the beginning is enough: `_value` looks for its end.
_QUOTED = r"""(?:\\+"([^"\n]+)|"((?:[^"\\\n]|\\.)+)|'((?:[^'\\\n]|\\.|'')+))"""
_VALUE = rf"""(?:\s*{_QUOTED}|[ \t]*(?:[|>][-+]?[ \t]*\r?\n[ \t]*)?(\\*[^\s"'\\]))"""
_ASSIGNED = rf"""\\*["'\]]{{0,2}}[ \t]*(?:=>|:=|[=:]){_VALUE}"""

_PLACEHOLDER = re.compile(
    rb"(?i)\*+|null|none|nil|true|false|[=>|][-+]?|\$\{[\w.:-]+\}|\$\([\w.-]+\)|\{\{.*"
)
# "password: wrong" and "passwd is required" tell no password.
_PROSE = frozenset(
    b"a also an and are as authentication be been but by can cannot changed correct denied"
    b" deprecated different does empty error expired failed failure for from has have if in"
    b" incorrect invalid is it missing mismatch must needs never not of ok on only or provided"
    b" rejected required reset rotated set should still that the this to too unknown unset used"
    b" using was were when will with wrong yes you your".split()
)
# Where a bare value ends, also at a wall. A sign without a name behind it may be part of it.
_END = re.compile(rb"""[\s\xff]|["'`](?:[\s\xff,;:&}\])]|$)|[;&,][A-Za-z_][\w.-]*[=:]""")
_TOKEN = re.compile(rb"[\w~+/.=:-]+")
_MIN_TOKEN, _SURE_TOKEN = 8, 24
_MIN_PIN = 4


def is_placeholder(value: bytes) -> bool:
    """Say whether a value only stands where a secret would, such as `null` or `${PASSWORD}`."""
    return bool(_PLACEHOLDER.fullmatch(value))


def _value(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    if data[start - 1 : start] in {b'"', b"'"}:
        value = data[start:end].rstrip(b"\\")
    else:
        stop = _END.search(data, start)
        value = data[start : stop.start() if stop else len(data)]
        if is_placeholder(value):
            return
        value = value.rstrip(b".,;:)]}>\"'`")
    if value and not is_placeholder(value):
        yield start, start + len(value)


def _password(data: bytes, match: int, start: int, end: int) -> Iterator[Span]:
    head = data[match:start].lower().lstrip(b"_-")
    quoted = head.endswith((b'"', b"'"))
    told = quoted or head.rstrip().endswith(b"=")
    for _, stop in _value(data, match, start, end):
        value = data[start:stop]
        # PWD=/srv is a folder, "pass: ok" and pass=12 a report, "--password --user" two flags.
        folder = head.startswith(b"pwd") and value.startswith(b"/")
        report = not quoted and (
            head.startswith(b"pass:")
            or (head == b"pass=" and value.isdigit() and len(value) < _MIN_PIN)
        )
        flags = data[match : match + 2] == b"--" == value[:2]
        if not (folder or report or flags or (not told and value.lower() in _PROSE)):
            yield start, stop


def _token(data: bytes, match: int, start: int, end: int) -> Iterator[Span]:
    told = data[match:start].rstrip().endswith((b'"', b"'", b"="))
    for _, stop in _value(data, match, start, end):
        count = stop - start < _MIN_TOKEN and data[start:stop].isdigit()  # max_token=512
        if (told and not count) or _looks_random(data[start:stop]):
            yield start, stop


def _random(data: bytes, match: int, start: int, end: int) -> Iterator[Span]:
    for _, stop in _value(data, match, start, end):
        if _looks_random(data[start:stop]):
            yield start, stop


def _looks_random(value: bytes) -> bool:
    if not _TOKEN.fullmatch(value):
        return False
    mixed = any(byte in _DIGITS for byte in value) or value[1:] != value[1:].lower()
    return len(value) >= _SURE_TOKEN or (mixed and len(value) >= _MIN_TOKEN)


def _userinfo(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    port, slash, _ = data[start:end].partition(b"/")
    if not (slash and port.isdigit()):  # http://host:8080/@me has no password
        yield start, end


def _command_user(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    if not data[start:end].isdigit():  # docker run -u app:1000
        yield start, end


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

_PEM_HEAD = r"-{4,5} ?BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_PEM_END = r"-{4,5} ?END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_LOCAL = r"""(?:[\pL\pN_][\pL\pM\pN._%+'!#$*^~-]*|"[^"\s][^"\n]{0,62}")"""
_DOMAIN = r"(?:(?:[\pL\pM\pN_-]+\.)+(?:xn--[A-Za-z0-9-]+|\pL[\pL\pM]+)|\[[0-9A-Fa-f:.IPv]+\])"
_NUMBER_NAMES = r"(?i:tel|telefon|telephone|phone|mobile|mobil|cell|fax|whatsapp|msisdn|rufnummer)"

BUILTIN: Mapping[BuiltinPattern, tuple[Expression, ...]] = MappingProxyType(
    {
        # Without its end, a key takes the rest of the text; without its beginning, what looks
        # like its lines. The third form is a key in base64, as Secrets and kubeconfigs hold it.
        BuiltinPattern.PRIVATE_KEY: (
            Expression(rf"{_PEM_HEAD}(?s:.*?{_PEM_END}|.*)"),
            Expression(rf"(?:[A-Za-z0-9+/=]{{16,}}(?:\s|\\[rn])+)*[A-Za-z0-9+/=]*\s*{_PEM_END}"),
            Expression(
                r"LS0tLS1CRUdJTiB(?:QUklW|SU0Eg|FQy|FTkNS|PUEVO|EU0Eg|QR1Ag)[A-Za-z0-9+/=\n\\]*"
            ),
        ),
        BuiltinPattern.PASSWORD: (
            Expression(r"""://[^\s/?#:@"\[]*:(?:([^\s/?#"]*)@|([^\s"]+?)@)""", _userinfo),
            Expression(r"""://[^\s/?#:"\[]*@[^\s/?#:"\[]*:([^\s/?#"]+)@"""),
            Expression(r"""[\w.-]:([^\s/"]+)@(?:tcp|unix)\("""),  # data source of a Go program
            Expression(rf"{_PASSWORD_NAMES}{_ASSIGNED}", _password),
            Expression(
                rf"--[\w-]*(?i:{_WORDS}|pwd|pass|token|secret|api-key)[ \t]{_VALUE}", _password
            ),
            Expression(rf"(?i:{_WORDS}|pwd)[ \t]+(?i:is|was|ist)[ \t:]+{_VALUE}", _password),
            Expression(rf"(?i:{_WORDS}|identified[ \t]+by)[ \t]+{_QUOTED}", _password),
            Expression(  # an entry of a container's env
                rf"""(?i:name)\\*["']?:[ \t]*\\*["']?[\w.-]*{_PASSWORD_NAMES}"""
                rf"""\\*["']?,?\s*\\*["']?value\\*["']?[ \t]*:{_VALUE}""",
                _password,
            ),
            Expression(
                r"""\s(?:-u|--user|--proxy-user)[ =]*["']?[A-Za-z0-9_][^\s:"']*:([^\s"']+)""",
                _command_user,
            ),
        ),
        BuiltinPattern.BEARER_TOKEN: (
            Expression(
                r"""(?i:\bauthorization\\*["'\]]{0,2}\s*[:=][\s"'\\\[]*"""
                r"""(?:bearer|basic|digest|token|apikey|negotiate)[ \t]+)([^\s"',]+)""",
                _value,
            ),
            Expression(
                r"""(?i:\bauthorization)\\*["'\]]{0,2}\s*[:=][\s"'\\\[]*([\w~+/.=-]+)""", _random
            ),
            Expression(r"""(?i:\bbearer)[ \t]+["']?([^\s"',;]+)""", _random),
            Expression(rf"{_TOKEN_NAMES}{_ASSIGNED}", _token),
            Expression(
                r"\b(?:gh[opsru]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,})"
            ),
        ),
        BuiltinPattern.JWT: (
            # Whole or cut off, signed or encrypted; with one part only where it begins as a
            # header or as a registry's credentials do.
            Expression(r"\beyJ[\w-]{4,}(?:\.[\w-]*)+"),
            Expression(r"\beyJ(?:hbGci|0eXAi|raWQi|4NX|lbmMi|hdXRocyI6)[\w+/=-]*"),
        ),
        BuiltinPattern.EMAIL: (Expression(rf"{_LOCAL}(?:@|%40){_DOMAIN}", _email),),
        BuiltinPattern.CREDIT_CARD: (
            Expression(r"\b[0-9]{4}[ -]?[0-9]{4,6}[ -]?[0-9]{4,5}(?:[ -]?[0-9]+)*", _card),
        ),
        BuiltinPattern.IPV6: (
            Expression(
                r"(?:[0-9A-Fa-f:]*::[0-9A-Fa-f:.]*|:?(?:[0-9A-Fa-f]{1,4}:){6,}[0-9A-Fa-f:.]+)"
                r"(?:%[\w.-]{1,32})?",
                _ipv6,
            ),
        ),
        BuiltinPattern.IPV4: (
            Expression(r"\b[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\b", _ipv4),
        ),
        # International; American; with a zero in front, as in most of Europe; after its name.
        BuiltinPattern.PHONE: (
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
        ),
    }
)
"""Expressions by pattern, in the order of search; where two match the same, the first names it."""

BEFORE_EMAIL = frozenset({BuiltinPattern.PASSWORD, BuiltinPattern.BEARER_TOKEN})
"""Patterns whose matches hide text from `email`, to which `secret@host.example` looks like one."""

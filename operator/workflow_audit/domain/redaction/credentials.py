"""Secrets: private keys, passwords, tokens."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from workflow_audit.domain.redaction.expressions import Expression, Span
from workflow_audit.models.policy import BuiltinPattern

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
    mixed = any(byte in b"0123456789" for byte in value) or value[1:] != value[1:].lower()
    return len(value) >= _SURE_TOKEN or (mixed and len(value) >= _MIN_TOKEN)


def _userinfo(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    port, slash, _ = data[start:end].partition(b"/")
    if not (slash and port.isdigit()):  # http://host:8080/@me has no password
        yield start, end


def _command_user(data: bytes, _match: int, start: int, end: int) -> Iterator[Span]:
    if not data[start:end].isdigit():  # docker run -u app:1000
        yield start, end


_PEM_HEAD = r"-{4,5} ?BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_PEM_END = r"-{4,5} ?END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}"

# Without its end, a key takes the rest of the text; without its beginning, what looks like its
# lines. The third form is a key in base64, as Secrets and kubeconfigs hold it.
PRIVATE_KEY = (
    Expression(rf"{_PEM_HEAD}(?s:.*?{_PEM_END}|.*)"),
    Expression(rf"(?:[A-Za-z0-9+/=]{{16,}}(?:\s|\\[rn])+)*[A-Za-z0-9+/=]*\s*{_PEM_END}"),
    Expression(r"LS0tLS1CRUdJTiB(?:QUklW|SU0Eg|FQy|FTkNS|PUEVO|EU0Eg|QR1Ag)[A-Za-z0-9+/=\n\\]*"),
)

PASSWORD = (
    Expression(r"""://[^\s/?#:@"\[]*:(?:([^\s/?#"]*)@|([^\s"]+?)@)""", _userinfo),
    Expression(r"""://[^\s/?#:"\[]*@[^\s/?#:"\[]*:([^\s/?#"]+)@"""),
    Expression(r"""[\w.-]:([^\s/"]+)@(?:tcp|unix)\("""),  # data source of a Go program
    Expression(rf"{_PASSWORD_NAMES}{_ASSIGNED}", _password),
    Expression(rf"--[\w-]*(?i:{_WORDS}|pwd|pass|token|secret|api-key)[ \t]{_VALUE}", _password),
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
)

BEARER_TOKEN = (
    Expression(
        r"""(?i:\bauthorization\\*["'\]]{0,2}\s*[:=][\s"'\\\[]*"""
        r"""(?:bearer|basic|digest|token|apikey|negotiate)[ \t]+)([^\s"',]+)""",
        _value,
    ),
    Expression(r"""(?i:\bauthorization)\\*["'\]]{0,2}\s*[:=][\s"'\\\[]*([\w~+/.=-]+)""", _random),
    Expression(r"""(?i:\bbearer)[ \t]+["']?([^\s"',;]+)""", _random),
    Expression(rf"{_TOKEN_NAMES}{_ASSIGNED}", _token),
    Expression(
        r"\b(?:gh[opsru]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,})"
    ),
)

JWT = (
    # Whole or cut off, signed or encrypted; with one part only where it begins as a
    # header or as a registry's credentials do.
    Expression(r"\beyJ[\w-]{4,}(?:\.[\w-]*)+"),
    Expression(r"\beyJ(?:hbGci|0eXAi|raWQi|4NX|lbmMi|hdXRocyI6)[\w+/=-]*"),
)

"""Secrets go without a trace, look-alikes stay byte for byte, and no text is too hard.

In the tables `{email}` stands for the marker `[redacted:email]`, and so for every pattern.
"""

import copy
import json
import string
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workflow_audit.domain.redaction import Redacted, Redactor
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.policy import BuiltinPattern, Redaction, RedactionPattern

CASES = json.loads(Path(__file__).with_name("redaction_cases.json").read_text(encoding="utf-8"))
CORPUS = Path(__file__).parents[3] / "examples" / "searches.jsonl"
LINES = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]

REDACTOR = Redactor(Redaction())
KINDS = tuple(map(str, BuiltinPattern))
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLW1hZGUtdXA"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nTUFERS1VUC1LRVk\nTUFERS1VUC\n-----END RSA PRIVATE KEY-----"


def marked(text: str) -> str:
    for kind in KINDS:
        text = text.replace(f"{{{kind}}}", f"[redacted:{kind}]")
    return text


def own(*regexes: str, **rules: object) -> Redactor:
    patterns = tuple(RedactionPattern(name=f"own-{n}", regex=r) for n, r in enumerate(regexes))
    return Redactor(Redaction(patterns=patterns, **rules))


def fragments(secret: str, size: int = 8) -> set[str]:
    return {secret[at : at + size] for at in range(max(1, len(secret) - size + 1))}


# --- The bundled searches ---


@pytest.mark.parametrize("case", CASES["must_go"], ids=lambda case: f"line-{case['line']}")
def test_what_must_go_goes(case: dict) -> None:
    tree, counts = REDACTOR.redact_tree(LINES[case["line"] - 1])
    stored = json.dumps(tree, ensure_ascii=False)
    for secret in case["texts"]:
        assert not [part for part in fragments(secret) if part in stored]
    # One text of two kinds, such as a JWT after Bearer, is replaced once and counted as one.
    assert sum(counts.values()) == len(case["texts"])
    assert set(counts) <= set(case["kinds"])
    if len(case["texts"]) >= len(case["kinds"]):
        assert set(counts) == set(case["kinds"])


@pytest.mark.parametrize("case", CASES["must_stay"], ids=lambda case: f"line-{case['line']}")
def test_what_must_stay_stays(case: dict) -> None:
    line = LINES[case["line"] - 1]
    assert case["text"] in line["query"]["text"]
    assert REDACTOR.redact_tree(line) == (line, Counter())


def test_no_other_search_is_changed() -> None:
    changed = {n for n, line in enumerate(LINES, 1) if REDACTOR.redact_tree(line)[0] is not line}
    assert changed == {case["line"] for case in CASES["must_go"]}


# --- Every pattern's shapes ---

EMAILS = [
    ("mail jane.doe+oncall@mail.eu.example.co.uk now", "mail {email} now"),
    ("<jane@example.com>, 'joe@example.com';", "<{email}>, '{email}';"),
    ("o'brien@example.ie", "{email}"),
    ("user=jane@example.com", "user={email}"),
    ("用户 jürgen.müller@bücher.example", "用户 {email}"),
    ('"john doe"@example.com', "{email}"),
    ("mailto:jane_d@xn--bcher-kva.example.", "mailto:{email}."),
    ("?owner=jane%40example.com&x=1", "?owner={email}&x=1"),
    ("admin@[192.0.2.1]", "{email}"),
    ('{"owner":"jane@example.com"}', '{"owner":"{email}"}'),
    ("https://jane@example.com/path", "https://{email}/path"),
    (f"{'x' * 100}@example.com", "{email}"),
]
IPV4S = [
    ("dial tcp 10.96.0.10:53: i/o timeout", "dial tcp {ipv4}:53: i/o timeout"),
    ("cidr 10.244.0.0/16", "cidr {ipv4}/16"),
    ("from 192.0.2.1-192.0.2.9, then 198.51.100.7.", "from {ipv4}-{ipv4}, then {ipv4}."),
    ("http://203.0.113.5/healthz", "http://{ipv4}/healthz"),
    ("ip=203.0.113.5", "ip={ipv4}"),
    ("10.0.0.1.nip.io", "{ipv4}.nip.io"),
    ("[10.0.0.1]", "[{ipv4}]"),
]
IPV6S = [
    ("at 2001:db8:85a3:0:0:8a2e:370:7334", "at {ipv6}"),
    ("dial tcp [2001:db8::1]:443: refused", "dial tcp [{ipv6}]:443: refused"),
    ("2001:db8::1: connection refused", "{ipv6}: connection refused"),
    ("addr:2001:db8::1.", "addr:{ipv6}."),
    ("route 2001:db8::/32", "route {ipv6}/32"),
    ("on fe80::1ff:fe23:4567:890a%eth0 down", "on {ipv6} down"),
    ("::ffff:192.0.2.128 and ::1", "{ipv6} and {ipv6}"),
    ("1:2:3:4:5:6:7:8:8080", "{ipv6}:8080"),
    ("64:ff9b::192.0.2.33", "{ipv6}"),
]
TOKENS = [
    ("Authorization: Bearer x", "Authorization: Bearer {bearer-token}"),
    (f"Authorization: Bearer {JWT}", "Authorization: Bearer {bearer-token}"),
    ('{"Authorization":["Bearer abc.def"]}', '{"Authorization":["Bearer {bearer-token}"]}'),
    ('"authorization": "Bearer abc.def"', '"authorization": "Bearer {bearer-token}"'),
    ("Authorization=a1b2c3d4e5", "Authorization={bearer-token}"),
    ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic {bearer-token}"),
    ("-H 'Authorization: token abc123'", "-H 'Authorization: token {bearer-token}'"),
    ("got bearer 9f8e7d6c5b4a, refused", "got bearer {bearer-token}, refused"),
    ("?token=abcdef&page=2", "?token={bearer-token}&page=2"),
    ("access_token=a.b-c_d", "access_token={bearer-token}"),
    ('"refreshToken": "abcdef"', '"refreshToken": "{bearer-token}"'),
    ("X-Vault-Token: s.a1b2c3d4e5", "X-Vault-Token: {bearer-token}"),
    ("x-api-key: 0a1b2c3d4e5f", "x-api-key: {bearer-token}"),
    ("https://ghp_0123456789abcdefghij@github.com", "https://{bearer-token}@github.com"),
]
JWTS = [
    (f"token {JWT} expired", "token {jwt} expired"),
    (f"({JWT})", "({jwt})"),
    (f"cut {JWT[:30]}", "cut {jwt}"),
    (f"cut {JWT[:18]}", "cut {jwt}"),
    ("eyJlbmMiOiJBIn0.a.b.c.d", "{jwt}"),
    ("auths eyJhdXRocyI6eyJyLmlvIjp7fX19", "auths {jwt}"),
]
PASSWORDS = [
    ('password: "a b"', 'password: "{password}"'),
    ("password: 'it''s me'", "password: '{password}'"),
    ("pwd=x1, user=y", "pwd={password}, user=y"),
    ("passwd is hunter2!", "passwd is {password}"),
    ("mysql --password x --host db", "mysql --password {password} --host db"),
    ("psql --db-password='a b'", "psql --db-password='{password}'"),
    ("PGPASSWORD=x psql", "PGPASSWORD={password} psql"),
    ("MYSQL_PWD=x", "MYSQL_PWD={password}"),
    ('{"password":"x","user":"y"}', '{"password":"{password}","user":"y"}'),
    (r'{"password":"a\"b c","user":"y"}', '{"password":"{password}","user":"y"}'),
    (r"msg={\"password\":\"a b\",\"user\":1}", r"msg={\"password\":\"{password}\",\"user\":1}"),
    ("{'password': 'x'}", "{'password': '{password}'}"),
    (r"password=\abc", "password={password}"),
    ("password:\n  a: b", "password:\n  a: b"),
    ("password: |\n  two words", "password: |\n  {password} words"),
    ("adminPassword: hunter2", "adminPassword: {password}"),
    ("Server=db;Password=a;b=c;User=x", "Server=db;Password={password};b=c;User=x"),
    ("password=a;b,c&d user", "password={password} user"),
    ("config['password'] = 'x'", "config['password'] = '{password}'"),
    ("(password=hunter2)", "(password={password})"),
    ("password := hunter2", "password := {password}"),
    ("Passwort: Geheim1", "Passwort: {password}"),
    ("password=joe@example.com:10.0.0.1", "password={password}"),
    ("https://user:p%40ss@host/x", "https://user:{password}@host/x"),
    ("redis://:p@ss@cache:6379", "redis://:{password}@cache:6379"),
    ("postgres://u:a/b?c@db.example.com/x", "postgres://u:{password}@db.example.com/x"),
    ("https://jane@example.com:pw@host/", "https://{email}:{password}@host/"),
    ("amqp://a:b@h1,amqp://c:d@h2", "amqp://a:{password}@h1,amqp://c:{password}@h2"),
    ("root:hunter2@tcp(10.0.0.1:3306)/db", "root:{password}@tcp({ipv4}:3306)/db"),
    ("curl -u admin:s3cret https://x", "curl -u admin:{password} https://x"),
    ("ALTER USER a PASSWORD 'x y'", "ALTER USER a PASSWORD '{password}'"),
    ("- name: DB_PASSWORD\n  value: x", "- name: DB_PASSWORD\n  value: {password}"),
    ('{"name":"DB_PASSWORD","value":"x"}', '{"name":"DB_PASSWORD","value":"{password}"}'),
    ("AWS_SECRET_ACCESS_KEY=ab/cd+ef", "AWS_SECRET_ACCESS_KEY={password}"),
    ("client_secret=abc&grant=x", "client_secret={password}&grant=x"),
    (f"password={JWT}", "password={password}"),
]
PRIVATE_KEYS = [
    (f"key {PEM} end", "key {private-key} end"),
    (repr(PEM), "'{private-key}'"),
    (f"{PEM[:60]}\n", "{private-key}"),
    (f"a {PEM} b {PEM} c", "a {private-key} b {private-key} c"),
    ("QUJDREVGR0hJSktMTU5P\nQUJD\n" + PEM[-29:], "{private-key}"),
    (PEM.replace("RSA PRIVATE", "OPENSSH PRIVATE"), "{private-key}"),
    ("tls.key: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0t", "tls.key: {private-key}"),
    (f'{{"password": {json.dumps(PEM)}}}', '{"password": "{private-key}"}'),
]
PHONES = [
    ("call +12025550147 now", "call {phone} now"),
    ("call +49 (0)30 901820 or +33 1 23 45 67 89", "call {phone} or {phone}"),
    ("tel:+1-202-555-0147;ext=7", "tel:{phone};ext=7"),
    ("(202) 555-0183, 202-555-0183, 202.555.0183", "{phone}, {phone}, {phone}"),
    ("1-800-555-0199", "{phone}"),
    ("020 7946 0958 or 0171/1234567", "{phone} or {phone}"),
    ("Tel. 01 23 45 67 89", "Tel. {phone}"),
    ("phone: 2025550147", "phone: {phone}"),
    ("+49 30 1234567 2026 5551234", "{phone} 5551234"),
    ("0049 30 1234567", "{phone}"),
    ("+44 20 7946 0958 2026-11-23", "{phone} 2026-11-23"),
]
CARDS = [
    ("card 4111111111111111", "card {credit-card}"),
    ("4111 1111 1111 1111 11/29", "{credit-card} 11/29"),
    ("order 2026 4111-1111-1111-1111", "order 2026 {credit-card}"),
    ("378282246310005 3782 822463 10005", "{credit-card} {credit-card}"),
    ("5555555555554444,6011111111111117", "{credit-card},{credit-card}"),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *EMAILS, *IPV4S, *IPV6S, *TOKENS, *JWTS, *PASSWORDS, *PRIVATE_KEYS, *PHONES, *CARDS,
    ],
)  # fmt: skip
def test_shapes(text: str, expected: str) -> None:
    result = REDACTOR.redact(text)
    assert result.text == marked(expected)
    assert result.counts == {k: n for k in KINDS if (n := expected.count(f"{{{k}}}"))}
    assert REDACTOR.redact(result.text) == Redacted(result.text)


@pytest.mark.parametrize(
    "text",
    [
        # numbers
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "image@sha256:4111111111111111a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0",
        "6f1c2b9e-8a4d-4c55-9d0e-2b7f6a1c3e4d",
        "2026-11-23T10:31:07.123456+0100, 10:31:07, 23/11/2026 10:31, 01-02-2026",
        "1764066667000 1764066667123456789 resourceVersion 2025550147",
        "nginx:1.25.3, v1.2.3.4, 4.18.0.300, 1.2.3.4.5, 1.3.6.1.4.1.311, 114.0.5735.90",
        "1.29.4-rc.1+k3s1 kernel 5.14.0-70.13.1.el9.x86_64",
        "00:1a:2b:3c:4d:5e 00:11:22:33:44:55:66:77 AB:CD:EF:01:23:45:67:89:AB:CD:EF:01",
        "std::string ab::cdx foo :: bar key::value x::",
        "4111 1111 1111 1112 and 9111111111111111 and 0.4111111111111111",
        "cpu 250m, memory 512Mi, 256 512 1024, 99.95 %, +15m, 1e+10, 202-555-01834",
        "rr-2026-000841 backup-0012-345678-x exit code 137 at 0x00ff",
        "10m 5/5 0 3 * * 1-5",
        # names
        "@daily @angular/core lodash@4.17.21 module@v1.2.3-rc.one a@b",
        "git@github.com:org/repo.git getty@tty1.service kubernetes-admin@kubernetes",
        "password-rotator password_policy passwordSecretRef: db secretName: tls",
        "MountVolume failed: secret not found, token expired, tokens=512 max_tokens: 5",
        "api-7d9f8b6c5-x2x4z app.kubernetes.io/name=api default/api:8080 postgres-main:5432",
        "http://host:8080/users/@me https://registry.example.com/v2/ ssh://git@host/repo",
        "bypass=true compass: 5 PWD=/srv tests pass: 12 pass=3 (using password: YES)",
        "007 123456 objects 0012 34567, serviceAccountToken: {expirationSeconds: 3607}",
        # prose and placeholders
        "password: must be longer; the passwd is wrong, password is required",
        "password=null password='' password=${DB_PASSWORD} password: {{ .Values.x }}",
        "password=**** flag --password --user; password=",
        'couldn\'t find key "password" in Secret payments/db',
        "bearer token is invalid, Bearer authentication, token: expired",
        "docker run -u app:1000 -v a:b",
        "-----BEGIN CERTIFICATE-----\nTUFERS1VUC1LRVk=\n-----END CERTIFICATE-----",
        "eyJ eyJhbc monkeyJungle.x",
        marked(" ".join(f"{{{kind}}}" for kind in KINDS)),
    ],
)
def test_look_alikes_stay(text: str) -> None:
    result = REDACTOR.redact(text)
    assert result == Redacted(text)
    assert result.text is text


# --- The policy's own rules ---


def test_nothing_is_replaced_when_switched_off() -> None:
    redactor = own("x", enabled=False)
    tree = {"password": "x", "a": "joe@example.com"}
    assert redactor.redact_tree(tree) == (tree, Counter())
    assert redactor.redact("x joe@example.com") == Redacted("x joe@example.com")


@pytest.mark.parametrize("kind", BuiltinPattern)
def test_only_the_chosen_patterns_are_in_use(kind: BuiltinPattern) -> None:
    shapes = [EMAILS, IPV4S, IPV6S, TOKENS, JWTS, PASSWORDS, PRIVATE_KEYS, PHONES, CARDS]
    text = "\n".join(row[0][0] for row in shapes)
    assert set(Redactor(Redaction(builtin=(kind,))).redact(text).counts) == {str(kind)}
    without = tuple(other for other in BuiltinPattern if other != kind)
    assert str(kind) not in Redactor(Redaction(builtin=without)).redact(text).counts


@pytest.mark.parametrize(
    ("regexes", "text", "expected"),
    [
        pytest.param(["EMP-[0-9]+"], "by EMP-12, EMP-7", "by [o0], [o0]", id="all-matches"),
        pytest.param(["id=([0-9]+)"], "id=7", "[o0]", id="all-of-the-match"),
        pytest.param(["(?i)emp", "b"], "EMPb", "[o0][o1]", id="several"),
        pytest.param(["^a", "z$"], "aaz za\nazz", "[o0]az za\naz[o1]", id="edges-of-the-text"),
        pytest.param(["x*"], "axxb", "a[o0]b", id="empty-matches-are-none"),
        pytest.param(["ü.", "漢"], "aüö漢", "a[o0][o1]", id="unicode"),
        pytest.param([r"\Q.("], "a.(", "a[o0]", id="open-literal"),
        pytest.param(
            [r"ticket \S+ \w+"], "ticket a@b.co x7 c@d.co", "[o0] {email}", id="around-a-built-in"
        ),
        pytest.param(["x@y"], "a x@yy.com b", "a {email} b", id="inside-a-built-in"),
        pytest.param(["cd ef"], "password=abcd efgh", "password=[o0]gh", id="overlap-is-one"),
    ],
)
def test_own_patterns(regexes: list[str], text: str, expected: str) -> None:
    result = own(*regexes).redact(text)
    expected = marked(expected.replace("[o", "[redacted:own-"))
    assert result.text == expected
    assert own(*regexes).redact_tree({"": [text]})[0] == {"": [expected]}


@pytest.mark.parametrize("regex", [r"\Aid", "^id", "(?-m)^id", r"7\z", "7$"])
def test_edges_hold_for_every_text_of_a_tree(regex: str) -> None:
    tree, counts = own(regex).redact_tree(["a", "id 7", "b", "c id 7 d"])
    assert tree[0::2] == ["a", "b"]
    assert tree[3] == "c id 7 d"
    assert counts == {"own-0": 1}


@pytest.mark.parametrize(
    ("regex", "rule"),
    [
        pytest.param("a(b", "is no valid expression: missing ): a(b", id="open-group"),
        pytest.param("(?<=a)b", "is no valid expression: invalid perl operator: (?<", id="look"),
        pytest.param(r"(a)\1", r"is no valid expression: invalid escape sequence: \1", id="back"),
        pytest.param("a{2000}", "is no valid expression: invalid repetition size", id="count"),
        pytest.param(r".{900}\pL{90}", "is too large: ", id="size"),
        pytest.param(r"a\C", r"uses \C, which splits characters; write (?s:.)", id="bytes"),
    ],
)
def test_a_wrong_expression_is_refused_by_name_value_rule_and_remedy(regex: str, rule: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        own("fine", regex)
    assert caught.value.path == "spec.redaction.patterns[1].regex"
    assert str(caught.value).startswith(f"spec.redaction.patterns[1].regex: {regex!r} {rule}")
    assert "; " in str(caught.value)


def test_an_escaped_backslash_before_a_capital_c_is_fine() -> None:
    assert own(r"\\C").redact(r"a\C").counts == {"own-0": 1}


@pytest.mark.parametrize(
    ("replacement", "expected"),
    [
        pytest.param("[redacted:{name}]", "a [redacted:email] b", id="default"),
        pytest.param("", "a  b", id="empty"),
        pytest.param("x", "a x b", id="without-name"),
        pytest.param("{name}{name}{x}", "a emailemail{x} b", id="other-braces-stay"),
        pytest.param(r"\1\g<0>$1%s", r"a \1\g<0>$1%s b", id="no-template-language"),
        pytest.param("me@example.com", "a me@example.com b", id="a-match-itself"),
        pytest.param("漢", "a 漢 b", id="unicode"),
    ],
)
def test_replacement(replacement: str, expected: str) -> None:
    result = own(replacement=replacement).redact("a joe@example.com b")
    assert result == Redacted(expected, {"email": 1})


def test_redactors_of_the_same_rules_are_one_key() -> None:
    assert len({Redactor(Redaction()), REDACTOR, own("x"), own("x")}) == 2
    assert REDACTOR.__eq__(Redaction()) is False


# --- Trees ---


def test_a_tree_is_redacted_in_keys_and_texts() -> None:
    tree = {
        "to": ["joe@example.com", 4111111111111111, None, True, 0.5, {"10.0.0.1": {}}],
        "filters": {"db-password": "correct horse", "accessToken": "abc", "password": ""},
        "joe@example.com": {"authorization": "Bearer a b", "password": "${X}", "note": "wrong"},
    }
    before = copy.deepcopy(tree)
    redacted, counts = REDACTOR.redact_tree(tree)
    assert redacted == {
        "to": ["[redacted:email]", 4111111111111111, None, True, 0.5, {"[redacted:ipv4]": {}}],
        "filters": {
            "db-password": "[redacted:password]",
            "accessToken": "[redacted:bearer-token]",
            "password": "",
        },
        "[redacted:email]": {
            "authorization": "[redacted:bearer-token]",
            "password": "${X}",
            "note": "wrong",
        },
    }
    assert counts == {"email": 2, "ipv4": 1, "password": 1, "bearer-token": 2}
    assert tree == before
    assert REDACTOR.redact_tree(redacted) == (redacted, Counter())


def test_keys_that_become_equal_lose_no_entry() -> None:
    redacted, _ = REDACTOR.redact_tree({"a@example.com": 1, "b@example.com": 2})
    assert redacted == {"[redacted:email]": 1, "[redacted:email]#2": 2}
    assert REDACTOR.redact_tree(redacted) == (redacted, Counter())


def test_a_tree_without_matches_is_the_same_object() -> None:
    tree = {"a": ["OOMKilled", {"b": 1}]}
    assert REDACTOR.redact_tree(tree)[0] is tree


def test_what_an_earlier_run_has_left_is_kept_and_not_counted() -> None:
    text = "password=[redacted:email] joe@example.com"
    assert REDACTOR.redact(text) == Redacted(
        "password=[redacted:email] [redacted:email]", {"email": 1}
    )


def test_a_common_word_as_replacement_does_not_protect_a_secret() -> None:
    redactor = own(replacement="demo")
    assert redactor.redact("password=hunterdemo2 x").text == "password=demo x"


# --- Any text ---

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PIECES = st.sampled_from(
    [row[0] for row in (*EMAILS, *IPV6S, *TOKENS, *PASSWORDS, *PRIVATE_KEYS, *PHONES, *CARDS)]
    + [
        "@",
        ".",
        ":",
        "::",
        "1",
        "12",
        "1.2.3.4",
        "+",
        "-",
        "=",
        " ",
        "\n",
        '"',
        "'",
        "\\",
        "password",
    ]
    + [
        "[redacted:",
        "[redacted:email]",
        "]",
        "a@b.co",
        "eyJ",
        "://",
        "bearer ",
        "\x00",
        "\ud800",
        "é",
    ]
    + [
        "-----BEGIN PRIVATE KEY-----",
        "token",
        "pwd=/",
        "pass: ",
        "Bearer",
        "4111",
        "0",
        "{",
        "name:",
    ]
)
ANY_TEXT = st.text() | st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=8,
)
UNMISTAKABLE = [
    REDACTOR,
    own(replacement="<redacted>"),
    own("é+", "[0-9a-f]{3}", "^.", replacement="(password=x)"),
    own(replacement="{joe@example.com}"),
    own(builtin=(BuiltinPattern.IPV4, BuiltinPattern.EMAIL), replacement="«10.0.0.1»"),
]


@PATIENT
@given(ANY_TEXT, st.sampled_from(UNMISTAKABLE))
@example("password=password=password=password=password=x", REDACTOR)
@example("PWD=/srv;PGPASSWORD=hunter2", REDACTOR)
def test_redacting_settles(text: str, redactor: Redactor) -> None:
    once = redactor.redact(text)
    assert redactor.redact(once.text) == Redacted(once.text)
    if not once.counts:
        assert once.text is text


@PATIENT
@given(ANY_TEXT, st.sampled_from(["", "x", "***", "{name}", "=", "1.", "@a.bc"]))
def test_any_replacement_is_taken(text: str, replacement: str) -> None:
    result = own(replacement=replacement).redact(text)
    assert result.counts or result.text is text


@PATIENT
@given(ANY_TEXT)
def test_counts_equal_the_markers(text: str) -> None:
    redactor = own(replacement="⟦{name}⟧")
    text = text.replace("⟦", "")
    result = redactor.redact(text)
    markers = {kind: result.text.count(f"⟦{kind}⟧") for kind in KINDS}
    assert result.counts == {kind: count for kind, count in markers.items() if count}


def shape(value: object) -> object:
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "text" if isinstance(value, str) else (type(value), value)


@PATIENT
@given(TREES)
def test_a_tree_keeps_its_structure_and_settles(tree: object) -> None:
    redacted, counts = REDACTOR.redact_tree(tree)
    assert shape(redacted) == shape(tree)
    assert all(count > 0 for count in counts.values())
    assert REDACTOR.redact_tree(redacted) == (redacted, Counter())


@PATIENT
@given(st.lists(ANY_TEXT, max_size=5))
def test_a_tree_finds_what_each_text_alone_would_give(texts: list[str]) -> None:
    for redactor in (REDACTOR, own("^a", "é$", r"\bx\b")):
        alone = [redactor.redact(text) for text in texts]
        tree, counts = redactor.redact_tree(texts)
        assert tree == [result.text for result in alone]
        assert counts == sum((Counter(result.counts) for result in alone), Counter())


def with_luhn(digits: str) -> str:
    return next(f"{digits}{n}" for n in range(10) if luhn(f"{digits}{n}"))


def luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(n - 9 * (n > 9) for n in doubled) % 10 == 0


WORDS = st.text(string.ascii_lowercase + string.digits, min_size=2, max_size=12)
CARD_NUMBERS = st.text(string.digits, min_size=14, max_size=14).map(lambda n: with_luhn(f"4{n}"))
TOKEN_TEXTS = st.text(string.ascii_letters + string.digits + "-._~+/", min_size=1, max_size=40)
PLANTED = st.tuples(
    st.just(""),
    st.builds("{0}.{1}@{2}.example.com".format, WORDS, WORDS, WORDS)
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).filter(lambda ip: len(str(ip)) > 12).map(str)
    | CARD_NUMBERS
    | CARD_NUMBERS.map(lambda card: " ".join(card[at : at + 4] for at in range(0, 16, 4))),
) | st.tuples(
    st.sampled_from(["token=", "password: ", "Authorization: Bearer ", "PGPASSWORD="]),
    TOKEN_TEXTS.map("{}9z".format),
)
SURROUNDINGS = st.text(max_size=30) | st.lists(PIECES, max_size=4).map(" ".join)


@PATIENT
@given(SURROUNDINGS, PLANTED, SURROUNDINGS, st.sampled_from(["[redacted:{name}]", "***", ""]))
def test_planted_secrets_never_survive(
    before: str, planted: tuple[str, str], after: str, marker: str
) -> None:
    lead, secret = planted
    redactor = own(replacement=marker)
    text = redactor.redact(f"{before}\n{lead}{secret}\n{after}").text
    around = f"{before}{lead}\n{after}"
    assert not [part for part in fragments(secret) if part in text and part not in around]


# --- Time ---

HOSTILE = [
    "7",
    ".",
    "@",
    "a@",
    "-----BEGIN",
    "-----BEGIN PRIVATE KEY-----",
    "1.",
    "::",
    "a::",
    "4444 ",
]
HOSTILE += [
    "eyJ",
    "eyJa.",
    "://a:",
    "password=",
    'password="',
    "PWD=/;",
    "pass: ",
    "+1 ",
    "a@b.co",
    "%40",
]


def seconds(redactor: Redactor, text: str) -> float:
    started = time.process_time()
    redactor.redact(text)
    return time.process_time() - started


def grows_linearly(redactor: Redactor, unit: str, size: int) -> bool:
    text = unit * (size // len(unit))
    half = min(seconds(redactor, text[: size // 2]) for _ in range(3))
    return seconds(redactor, text) <= 3 * half + 0.005


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear_in_the_text(unit: str) -> None:
    assert any(grows_linearly(REDACTOR, unit, 60_000) for _ in range(5))


@pytest.mark.parametrize("regex", ["(?s)a.*b|a", "a*", "(a+a+)+b", "a", "(?:a?){90}a{90}"])
def test_time_is_linear_for_any_own_pattern(regex: str) -> None:
    redactor = own(regex, builtin=())
    assert any(grows_linearly(redactor, "a", 100_000) for _ in range(5))


@pytest.mark.parametrize("regex", [r"x\b", r"\bx|x\b"])
def test_a_text_that_would_settle_slowly_goes_as_a_whole(regex: str) -> None:
    redactor = own(regex)  # each match lets the character next to it match in turn
    once = redactor.redact("a xxxxxxxxxxxx\nb@c.de y")
    assert once.text.endswith("\n[redacted:email] y")
    assert "x" not in once.text
    assert redactor.redact(once.text) == Redacted(once.text)


def test_what_is_too_much_to_search_goes_as_a_whole() -> None:
    many = own("(?s)a.*b|a", builtin=()).redact("a" * 100_000)
    assert "a" not in many.text.replace("[redacted:own-0]", "")
    urls = REDACTOR.redact("://a:1/" * 100_000 + "://u:hunter2@h")
    assert "hunter2" not in urls.text


def test_searches_without_matches_take_little_time() -> None:
    """Four times as long as writing JSON; ten times that where coverage is measured."""
    quiet = [line for line in LINES if not REDACTOR.redact_tree(line)[1]]

    def seconds_of(use: Callable[[dict], object]) -> float:
        started = time.process_time()
        for line in quiet:
            use(line)
        return time.process_time() - started

    ratios = (seconds_of(REDACTOR.redact_tree) / seconds_of(json.dumps) for _ in range(5))
    assert min(ratios) < 80

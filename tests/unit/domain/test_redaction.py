"""Secrets go without a trace, look-alikes stay byte for byte, and no text is too hard.

In the tables `{email}` stands for the marker `[redacted:email]`, and so for every pattern.
"""

import copy
import json
import string
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
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
        "bypass=true compass: 5 PWD=/srv tests pass: 12",
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

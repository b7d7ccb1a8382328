"""Connection strings are checked at start, and their secrets stay inside."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from workflow_audit.errors import InvalidFieldError
from workflow_audit.store.address import DatabaseAddress

SECRET = "ge-heim"  # noqa: S105
FIRST, SECOND = "fir'st \\ ", "second"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        pytest.param(f"mysql://u:{SECRET}@h/d", "is no connection string", id="another-database"),
        pytest.param(
            f"postgresql+asyncpg://u:{SECRET}@h/d", "is no connection string", id="driver"
        ),
        pytest.param(
            f"host=h password={SECRET} pasword=x", "is no connection string", id="unknown-word"
        ),
        pytest.param(
            f"postgresql://u:{SECRET}@h/d?sslmode", "is no connection string", id="half-a-parameter"
        ),
        pytest.param(f"postgresql://u:{SECRET}@h:70000/d", "has a port", id="port-too-high"),
        pytest.param(f"postgresql://u:{SECRET}@h:x/d", "has a port", id="port-no-number"),
        pytest.param(f"postgresql://u:{SECRET}@a:1,b:0/d", "has a port", id="second-port"),
        pytest.param(
            f"postgresql://u:{SECRET}@h/d?sslmode=full", "unknown sslmode; use one of", id="ssl"
        ),
        pytest.param(
            f"host=h password={SECRET} target_session_attrs=rw", "unknown target", id="target"
        ),
        pytest.param(
            f"host=h password={SECRET} connect_timeout=5s", "connect_timeout", id="time-out"
        ),
    ],
)
def test_a_wrong_string_is_refused_by_name_without_its_secret(url: str, complaint: str) -> None:
    with pytest.raises(InvalidFieldError, match=r"^AUDIT_DATABASE_URL: ") as caught:
        DatabaseAddress(url=url)
    assert complaint in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="libpq-variables"),
        pytest.param("postgresql://u:p@a:5432,b:5433/d?sslmode=verify-full", id="two-hosts"),
        pytest.param("postgres:///d?host=/run/postgresql", id="socket"),
        pytest.param("host=h dbname=d user=u", id="words"),
    ],
)
def test_what_libpq_takes_is_taken(url: str) -> None:
    assert SECRET not in repr(DatabaseAddress(url=url))


def test_what_the_string_says_wins_over_the_defaults() -> None:
    address = DatabaseAddress(url="postgresql://h/d?connect_timeout=9&application_name=mine")
    given = conninfo_to_dict(address.conninfo(application_name="ours", target_session_attrs="any"))
    assert given["connect_timeout"] == "9"
    assert given["application_name"] == "mine"
    assert given["target_session_attrs"] == "any"
    assert given["keepalives_idle"] == "10"


def test_the_password_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{FIRST}\n")
    address = DatabaseAddress(url=f"postgresql://u:{SECRET}@h/d", password_file=file)
    assert conninfo_to_dict(address.conninfo())["password"] == FIRST
    file.write_text(SECOND)
    assert conninfo_to_dict(address.conninfo())["password"] == SECOND


def test_the_url_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(make_conninfo(host="h", password=FIRST) + "\n")
    address = DatabaseAddress(url="postgresql://nobody@nowhere/none", url_file=file)
    assert conninfo_to_dict(address.conninfo())["password"] == FIRST
    assert FIRST not in repr(address)
    file.write_text(make_conninfo(host="h", password=SECOND))
    assert conninfo_to_dict(address.conninfo())["password"] == SECOND
    file.write_text(f"{SECRET}://nonsense")
    with pytest.raises(InvalidFieldError, match="is no connection string") as refused:
        address.conninfo()
    assert SECRET not in str(refused.value)


def test_a_file_with_a_url_that_cannot_be_used_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidFieldError, match=r"AUDIT_DATABASE_URL_FILE: .*No such file"):
        DatabaseAddress(url_file=tmp_path / "none")
    (tmp_path / "url").write_text("postgresql://h:99999/d")
    with pytest.raises(InvalidFieldError, match="port"):
        DatabaseAddress(url_file=tmp_path / "url")


def test_a_password_file_that_is_not_there_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidFieldError, match=r"_PASSWORD_FILE: .*No such file"):
        DatabaseAddress(password_file=tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidFieldError, match="UnicodeDecodeError"):
        DatabaseAddress(password_file=tmp_path / "binary")

"""Every error that Workflow Audit raises itself; none of them knows a framework.

    AuditError
    ├── InvalidFieldError            a value that we refuse: path, value, rule, remedy
    │   └── MissingFieldError        a value that has to be there
    ├── DatabaseError
    │   ├── DatabaseUnavailableError passes by itself; says after how many seconds to try again
    │   │   └── QueueFullError       as many events wait for it as may
    │   ├── EventRefusedError        PostgreSQL refuses this one row, today and tomorrow
    │   │   └── EventConflictError   its id or key names another event already
    │   └── SchemaVersionError       the schema is not one that this version can work with
    │       └── SchemaBehindError    it is older, or missing: a migration mends that
    ├── RecordingError               a mistake of ours keeps a search from being recorded
    ├── PolicyError
    │   ├── CredentialsUnknownError  the API server does not say what the catalogue's token is
    │   ├── PoliciesUnknownError     the API server has not told yet which policies there are
    │   ├── NamespaceUnknownError    the API server knows no such namespace
    │   └── PolicyInvalidError       the policy that applies to a search cannot be used
    ├── CatalogueError               a search got no answer; a fact that is recorded, with its code
    ├── VerificationError            whether everything is there cannot be told
    ├── RetentionError               a run of retention could not do all that it should
    ├── ReadingError
    │   ├── AnswerTooLongError       the answer would take longer than it may; ask for less
    │   ├── CursorExpiredError       a list has to be begun anew
    │   ├── EventNotFoundError       there is no such event where it was asked for
    │   ├── ForbiddenError           the reader may not do this
    │   ├── TooManyRequestsError     the reader asks too much; says when to ask again
    │   └── UnauthenticatedError     it is not known who reads
    ├── IngestionError
    │   ├── BodyIncompleteError      the client went away in the midst of it
    │   ├── BodyTooLargeError        larger than bodies may be
    │   ├── BodyTooSlowError         it did not come in time
    │   ├── IngestionBusyError       no room for more now; says when to ask again
    │   ├── IngestionOffError        this server takes no events
    │   └── UnsupportedBodyError     neither JSON nor plain
    ├── CertificateError             the certificate of the server of readers cannot be kept
    ├── ClusterError                 the API server refuses something, or cannot be reached
    └── LocalError                   the local control plane or database cannot be set up

Adapters translate a driver's errors into these on the way in; handlers, HTTP and the command
line translate them on the way out, each in one place.
"""

from typing import Literal, get_args

FailureCode = Literal[
    "CatalogueTimeout",
    "ConnectionRefused",
    "ConnectionFailed",
    "TLSError",
    "CatalogueRefused",
    "CatalogueFailed",
    "MalformedResponse",
    "ResponseTooLarge",
    "CatalogueNotConfigured",
    "CatalogueCredentialsMissing",
    "SearchFailed",
]
"""Why a search has no answer, in the words that operator and client library use; a searcher of
one's own may use others."""

FAILURE_CODES: tuple[FailureCode, ...] = get_args(FailureCode)

SHOWN_CHARACTERS = 80
"""Longest part of a refused value that a message repeats; texts can be 1 MB."""


class AuditError(Exception):
    """Base of all errors that Workflow Audit raises on purpose."""

    @property
    def reason(self) -> str:
        """Give the error in one word, as conditions and problems name it."""
        return type(self).__name__.removesuffix("Error")


class InvalidFieldError(AuditError):
    """A value that we refuse; says where it is, what it is and what to write instead."""

    def __init__(self, path: str, value: object, rule: str, remedy: str) -> None:
        super().__init__(f"{path}: {shown(value)} {rule}; {remedy}")
        self.path, self.value, self.rule, self.remedy = path, value, rule, remedy

    def showing(self, path: str, value: object) -> "InvalidFieldError":
        """Give the same finding with a path and a value that may be shown."""
        return InvalidFieldError(path, value, self.rule, self.remedy)


class MissingFieldError(InvalidFieldError):
    """A field that has to be there; the message is part of the API: `missing required field: x`."""

    def __init__(self, path: str, remedy: str) -> None:
        name = path.rpartition(".")[2]
        AuditError.__init__(self, f"missing required field: {name} ({path}); {remedy}")
        self.path, self.value, self.rule, self.remedy = path, None, "is missing", remedy

    def showing(self, path: str, value: object) -> "MissingFieldError":  # noqa: ARG002
        """Give the same finding with a path that may be shown."""
        return MissingFieldError(path, self.remedy)


class DatabaseError(AuditError):
    """PostgreSQL did not do what it was asked to."""


class DatabaseUnavailableError(DatabaseError):
    """PostgreSQL cannot be reached or does not answer; nothing was lost, try again."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class EventRefusedError(DatabaseError):
    """PostgreSQL refuses this one row; its neighbours are written."""


class QueueFullError(DatabaseUnavailableError):
    """As many events wait for PostgreSQL as may; nothing of this was accepted."""


class EventConflictError(EventRefusedError):
    """What names this event names another one already; one of the two would be lost."""


class SchemaVersionError(DatabaseError):
    """The schema is none that this version works with."""


class SchemaBehindError(SchemaVersionError):
    """The schema is older than this version needs, or missing; passes with a migration."""


class RecordingError(AuditError):
    """A mistake of ours keeps a search from being recorded; it is tried again."""


class PolicyError(AuditError):
    """It is not known how a search is to be recorded; it waits."""


class CredentialsUnknownError(PolicyError):
    """The API server does not say now what the token of the catalogue is."""


class PoliciesUnknownError(PolicyError):
    """The API server has not told yet which policies there are."""


class NamespaceUnknownError(PolicyError):
    """The API server knows no such namespace, so no policy decides about it."""


class PolicyInvalidError(PolicyError):
    """The policy that applies to a search cannot be used until it is mended."""


class CatalogueError(AuditError):
    """A search got no answer from the catalogue; says why, and what to do."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        """Why, in one word; becomes the event's error_code and the reason of its condition."""


class RetentionError(AuditError):
    """A run of retention could not do all that it should; it is tried again."""


class VerificationError(AuditError):
    """Whether everything is there cannot be told; says what is missing for it."""


class ReadingError(AuditError):
    """A reader does not get what he asks for."""


class AnswerTooLongError(ReadingError):
    """The answer would take longer than it may; the message says what to ask for instead."""


class CursorExpiredError(ReadingError):
    """The place where a list was to go on is not known any more; it has to be begun anew."""

    def __init__(self, path: str, why: str = "has expired") -> None:
        super().__init__(f"{path}: the cursor {why}; list from the beginning")
        self.path = path


class EventNotFoundError(ReadingError):
    """There is no event of this name where it was asked for."""


class ForbiddenError(ReadingError):
    """The reader may not do this; the message says which right is missing."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy
        """How to get it; the API server's own refusals do not say."""


class TooManyRequestsError(ReadingError):
    """The reader asks too much; nothing was done for him."""

    def __init__(
        self, message: str, retry_after_seconds: float, limit: Literal["rate", "concurrency"]
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.limit = limit


class UnauthenticatedError(ReadingError):
    """It is not known who reads: neither a trusted certificate nor a valid token."""


class IngestionError(AuditError):
    """An event that came by HTTP is not taken."""


class BodyIncompleteError(IngestionError):
    """The client went away before its body had come."""


class BodyTooLargeError(IngestionError):
    """The body is larger than it may be; nothing of the rest is read."""


class BodyTooSlowError(IngestionError):
    """The body did not come within the time."""


class UnsupportedBodyError(IngestionError):
    """The body is compressed, or says that it is no JSON."""


class IngestionOffError(IngestionError):
    """This server takes no events; the message says how to switch it on."""


class IngestionBusyError(IngestionError):
    """There is no room for more at the moment, or no answer from what is needed."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class CertificateError(AuditError):
    """The certificate of the server of readers cannot be kept; says what is in the way."""


class ClusterError(AuditError):
    """The API server refuses a request, or cannot be reached."""

    def __init__(
        self,
        message: str,
        status: int | None = None,
        *,
        words: str = "",
        next_page: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """What it answers; None when it cannot be reached."""

        self.words = words
        """What it says itself; empty where the answer is no object of the Kubernetes API."""

        self.next_page = next_page
        """Where a list may go on that took too long for one moment, if it says so."""

        self.retry_after_seconds = retry_after_seconds
        """When to ask again, if it says so."""


class LocalError(AuditError):
    """The local control plane or database could not be set up; says what to do."""


def shown(value: object) -> str:
    """Give a value as a message may repeat it: as Python writes it, cut to a bounded length."""
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} nested too deeply to be shown"
    if len(text) > SHOWN_CHARACTERS:
        return f"{text[:SHOWN_CHARACTERS]}... ({len(text)} characters)"
    return text

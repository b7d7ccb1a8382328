"""Settings -> who runs searches, and who says why a catalogue cannot be asked."""

import time
from collections.abc import Callable
from datetime import datetime

from workflow_audit.catalogue.client import CatalogueClient
from workflow_audit.catalogue.trust import trust
from workflow_audit.domain.readiness import CatalogueState
from workflow_audit.errors import CatalogueError, CredentialsUnknownError, InvalidFieldError
from workflow_audit.kube.tokens import CatalogueTokens
from workflow_audit.models.policy import ClusterPolicySpec, Policy
from workflow_audit.services.policy_book import PolicyBook
from workflow_audit.services.searching import Searcher


def searcher(
    book: PolicyBook,
    tokens: CatalogueTokens,
    client: CatalogueClient,
    clock: Callable[[], datetime],
) -> Searcher:
    """Give who runs searches that came without an answer."""
    return Searcher(book, tokens, client, clock, time.monotonic)


async def catalogue_state(tokens: CatalogueTokens, policy: Policy) -> CatalogueState | None:
    """Say why the catalogue of a policy cannot be asked, if that shows without asking it."""
    spec = policy.spec
    if not isinstance(spec, ClusterPolicySpec) or spec.catalogue is None:
        return None
    try:
        trust(spec.catalogue.ca_bundle)
        if spec.catalogue.credentials:
            await tokens.token(spec.catalogue.credentials)
    except InvalidFieldError as error:
        return CatalogueState("CatalogueInvalid", str(error))
    except CatalogueError as error:
        return CatalogueState("CredentialsMissing", str(error))
    except CredentialsUnknownError as error:
        return CatalogueState("Unreachable", str(error))
    return None

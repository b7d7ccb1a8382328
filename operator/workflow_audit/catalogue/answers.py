"""The body of an answer -> JSON, and no more of it than fits.

It is asked for without compression, and refused with one: a few bytes could unpack to any number.
"""

import aiohttp
import orjson
from pydantic import JsonValue

from workflow_audit.errors import CatalogueError

MOST_BYTES = 4 * 2**20
"""Longest answer; a hundred workflows with long labels have a twentieth of it."""

LEAST_TOKEN_CHARACTERS = 8
"""A shorter token may stand in any answer by chance."""


async def json_answer(url: str, answer: aiohttp.ClientResponse, token: str | None) -> JsonValue:
    """Give what an answer says.

    Args:
        url: of the catalogue, for messages.
        answer: whose body is not read yet.
        token: what it was asked with; an answer that repeats it must not be kept.

    Raises:
        CatalogueError: it is too large, compressed, no JSON, or repeats the token.
        aiohttp.ClientError: it breaks off.
    """
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise _malformed(url, "is compressed, although it was asked for without")
    body = await _bounded(url, answer)
    if token and len(token) >= LEAST_TOKEN_CHARACTERS and token.encode() in body:
        raise _malformed(url, "repeats the token that it was asked with")
    try:
        value: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _malformed(url, "is no JSON") from None
    return value


async def _bounded(url: str, answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    announced = answer.content_length or 0
    if announced <= MOST_BYTES:
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                break
        else:
            return bytes(body)
    raise CatalogueError(
        "ResponseTooLarge",
        f"the answer of {url} is longer than {MOST_BYTES} bytes; have it list fewer workflows, or"
        " shorter ones",
    )


def _malformed(url: str, what: str) -> CatalogueError:
    return CatalogueError(
        "MalformedResponse", f"the answer of {url} {what}; look whether a catalogue is there"
    )

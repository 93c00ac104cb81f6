"""Addresses of results that work without credentials: signed, with an end.

HMAC-SHA256 under SECRET_KEY (django.core.signing). What is signed: tenant, job, output, the second
of its end, and the id of its row where it works once.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.signing import BadSignature, Signer

_SALT = "filemill.download"


class BadLink(Exception):
    """The text is not one that we signed."""


@dataclass(frozen=True)
class Link:
    """What a signed address says."""

    tenant: str  # slug
    job_id: str
    output: int
    ends_at: int  # Unix seconds
    once_id: str = ""


def sign(link: Link) -> str:
    """One path part."""
    words = [link.tenant, link.job_id, link.output, link.ends_at, link.once_id]
    return Signer(salt=_SALT, sep=".").sign_object(words)


def read(text: str) -> Link:
    """What was signed. Raises BadLink."""
    try:
        return Link(*Signer(salt=_SALT, sep=".").unsign_object(text))
    except (BadSignature, ValueError, TypeError) as error:
        raise BadLink from error

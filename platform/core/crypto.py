"""Secrets at rest: encrypted with a key derived from SECRET_KEY (Fernet: AES-128-CBC + HMAC)."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet

from core.env import env


@lru_cache(maxsize=1)
def cipher() -> Fernet:
    """The process's cipher."""
    secret = env().site.secret_key.get_secret_value().encode()
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"filemill.secrets" + secret).digest()))


def seal(plain: str) -> str:
    """Encrypt a text."""
    return cipher().encrypt(plain.encode()).decode()


def seal_bytes(plain: bytes) -> bytes:
    """Encrypt bytes."""
    return cipher().encrypt(plain)


def unseal_bytes(sealed: bytes) -> bytes:
    """Decrypt what ``seal_bytes`` made. Raises InvalidToken when SECRET_KEY has changed."""
    return cipher().decrypt(sealed)


def unseal(sealed: str) -> str:
    """Decrypt what ``seal`` made. Raises InvalidToken when SECRET_KEY has changed."""
    return cipher().decrypt(sealed.encode()).decode()

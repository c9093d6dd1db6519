"""``shanglou secrets``: a fresh set of secrets for a deployment."""

import base64
import os
import secrets as random

import typer


def new_secrets() -> dict[str, str]:
    """Settings that must be secret, made at random."""
    return {
        "SHANGLOU_SERVICE_TOKEN": random.token_urlsafe(36),
        "SHANGLOU_ENCRYPTION_KEYS": "k1:" + base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "SHANGLOU_INDEX_KEY": random.token_urlsafe(36),
    }


def secrets() -> None:
    """Print a fresh set of secrets, for .env. Keep a copy of the encryption keys away from the database."""
    for name, value in new_secrets().items():
        typer.echo(f"{name}={value}")

"""Who may call: JSON Web Tokens signed by clients whose keys are known, https://cds-hooks.hl7.org/2.0/#trusting-cds-clients.

The file of clients is JSON, and no key is ever fetched::

    {"clients": [{"iss": "https://ehr.example", "jku": "https://ehr.example/keys", "jwks": {"keys": [{"kty": "EC", "kid": "1", ...}]}}]}

``jku`` is only compared with that of a token.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from fastapi import HTTPException, Request

from dermograph.errors import InputError, UsageError
from dermograph.record import printable

LIFETIME = 3600
"""Longest that a token may be good for, in seconds; until then it is remembered, so that it is taken once."""
LEEWAY = 30
"""Seconds by which the clocks of client and service may differ."""
REMEMBERED = 100_000
"""Most tokens that are remembered."""
LONGEST = 8192
"""Most characters of a token."""
_ALGORITHMS = {
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""What a key may sign with: nothing that needs a shared secret, and never nothing."""
_CLAIMS = ["iss", "aud", "exp", "iat", "jti"]


class Refused(Exception):
    """A token is not good; the text tells why."""


class Full(Exception):
    """Too many tokens are remembered."""


@dataclass(frozen=True)
class Client:
    """A client that is trusted.

    :param keys: its keys by their name and by what they sign with.
    """

    iss: str
    jku: str | None
    keys: dict[tuple[str, str], jwt.PyJWK]


@dataclass
class Trust:
    """The clients that are trusted, and the tokens that were taken.

    :param taken: end of each token that was taken, by a digest of its issuer and name.
    """

    clients: dict[str, Client]
    taken: dict[bytes, float] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Trust:
        """Read the file of clients.

        :raises UsageError: it is not there.
        :raises InputError: it does not hold clients with public keys.
        """
        try:
            given = json.loads(path.read_bytes())
        except OSError as error:
            raise UsageError(f"{printable(str(path))}: {error.strerror or error}", "check the path") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{printable(str(path))}: it is no JSON", "mend it") from error
        rows = given.get("clients") if isinstance(given, dict) else None
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise InputError(f"{printable(str(path))}: no clients", 'write {"clients": [{"iss": …, "jwks": {"keys": […]}}]}')
        clients = [_client(row, f"{printable(str(path))}: clients[{place}]") for place, row in enumerate(rows)]
        found = {client.iss: client for client in clients}
        if len(found) != len(clients):
            raise InputError(f"{printable(str(path))}: an iss is there twice", "give each client once, with all of its keys")
        return cls(found)

    def check(self, token: str, audience: str, now: float | None = None) -> None:
        """Take a token, once.

        :param audience: address that it must be meant for.
        :raises Refused: it is not good.
        """
        try:
            claims = self._claims(token, audience)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Refused(_why(error)) from error
        now, end = time.time() if now is None else now, float(claims["exp"])
        if end - float(claims["iat"]) > LIFETIME:
            raise Refused(f"the token is good for more than {LIFETIME} s")
        if not isinstance(claims["jti"], str) or not claims["jti"]:
            raise Refused("jti of the token is no name")
        name = hashlib.sha256(json.dumps([claims["iss"], claims["jti"]]).encode()).digest()
        if self.taken.get(name, 0) + LEEWAY > now:
            raise Refused("the token was used before")
        if len(self.taken) >= REMEMBERED:
            self.taken = {key: until for key, until in self.taken.items() if until + LEEWAY > now}
            if len(self.taken) >= REMEMBERED:
                raise Full
        self.taken[name] = end

    def _claims(self, token: str, audience: str) -> dict[str, Any]:
        if len(token) > LONGEST:
            raise Refused(f"the token has more than {LONGEST} characters")
        head = jwt.get_unverified_header(token)
        claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
        client = self.clients.get(claimed) if isinstance(claimed, str) else None
        if client is None:
            raise Refused("the issuer of the token is not trusted")
        if head.get("typ") != "JWT" or not isinstance(head.get("kid"), str):
            raise Refused("the header of the token needs typ JWT and a kid")
        if "jku" in head and head["jku"] != client.jku:
            raise Refused("jku of the token is not that of its issuer")
        key = client.keys.get((head["kid"], str(head.get("alg"))))
        if key is None:
            raise Refused("the issuer has no such key for this algorithm")
        options: Any = {"require": _CLAIMS}
        return jwt.decode(token, key, audience=audience, issuer=client.iss, leeway=LEEWAY, options=options)


def _why(error: Exception) -> str:
    return "the token is malformed" if isinstance(error, jwt.DecodeError) and not isinstance(error, jwt.InvalidSignatureError) else str(error)[:200]


def _client(row: dict[str, Any], place: str) -> Client:
    iss, jku, jwks = row.get("iss"), row.get("jku"), row.get("jwks")
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(iss, str) or not iss or not isinstance(jku, str | None) or not isinstance(keys, list) or not keys:
        raise InputError(f"{place} needs iss and jwks with keys", "keys are given here, since none is fetched from a jku")
    found: dict[tuple[str, str], jwt.PyJWK] = {}
    for number, key in enumerate(keys):
        here = f"{place}.jwks.keys[{number}]"
        if not isinstance(key, dict) or not isinstance(key.get("kid"), str):
            raise InputError(f"{here} has no kid", "name it")
        if "d" in key:
            raise InputError(f"{here} is a private key", "give the public key, and make a new pair")
        allowed = _ALGORITHMS.get((str(key.get("kty")), key.get("crv")), ())
        names = [name for name in allowed if key.get("alg", name) == name]
        if not names:
            raise InputError(f"{here} is for no algorithm that is taken", "give a key for ES384 or RS384")
        for name in names:
            try:
                made = jwt.PyJWK(key, algorithm=name)
            except (jwt.PyJWTError, ValueError, TypeError) as error:
                raise InputError(f"{here} is no key: {printable(str(error))}", "give a JSON Web Key") from error
            if found.setdefault((key["kid"], name), made) is not made:
                raise InputError(f"{here} has the kid of another", "name each key differently")
    return Client(iss, jku, found)


async def checked(request: Request) -> None:
    """Let a request pass whose token is good; every request where no clients are named.

    :raises HTTPException: 401 where it is not, 503 where too many tokens are remembered.
    """
    trust: Trust | None = request.app.state.trust
    if trust is None:
        return
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    base = request.app.state.service.settings.base or str(request.base_url).rstrip("/")
    try:
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused("a token is needed: Authorization: Bearer …")
        trust.check(token.strip(), base + request.url.path)
    except Refused as error:
        raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from error
    except Full as error:
        raise HTTPException(503, "too many tokens are remembered", {"Retry-After": "60"}) from error

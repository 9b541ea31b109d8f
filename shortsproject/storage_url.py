"""STORAGE_URL: where the files of shorts lie.

    s3://KEY:SECRET@HOST[:PORT]/BUCKET[/PREFIX][?region=R&addressing=path|virtual]

Without KEY:SECRET@ the credentials come from where boto3 looks for them: the environment, a
profile, the role of the machine. The connection is encrypted, unless the host is this machine or
the scheme is `s3+http`. Nothing of a URL is repeated in an error: it may hold a secret.
"""

import re
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

DISK = "django.core.files.storage.FileSystemStorage"
BUCKET = "generation.bucket.BucketStorage"
FORM = "s3://KEY:SECRET@HOST/BUCKET"
UNREADABLE = (
    f"STORAGE_URL can't be read as {FORM}: the port is a number, and in the key and the secret %2F"
    " stands for '/', %3A for ':' and %40 for '@'."
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPTIONS = {"region": "region_name", "addressing": "addressing_style"}
BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}")
PREFIX = re.compile(r"[\w.-]+(?:/[\w.-]+)*", re.ASCII)


class _Nonsense(Exception):
    """Why a URL is refused, as the rest of a sentence; nothing of the URL is in it."""


def backend(url: str) -> dict[str, Any]:
    """What Django's STORAGES has to say of the storage: a bucket, or with no URL the disk.

    Raises ImproperlyConfigured.
    """
    if not url:
        return {"BACKEND": DISK}
    try:
        parts = urlsplit(url)
        return {"BACKEND": BUCKET, "OPTIONS": _place(parts) | _login(parts) | _options(parts.query)}
    except _Nonsense as error:
        raise ImproperlyConfigured(f"STORAGE_URL {error}.") from None
    except ValueError:
        # Whose words repeat a part of the URL.
        raise ImproperlyConfigured(UNREADABLE) from None


def _place(parts: SplitResult) -> dict[str, str]:
    """Which bucket of which storage."""
    if parts.scheme not in ("s3", "s3+http"):
        raise _Nonsense(f"does not begin as {FORM}")
    host, port = parts.hostname or "", parts.port
    if host not in LOOPBACK and "." not in host and port is None:
        raise _Nonsense(f"names no host, which stands before the bucket: {FORM}")
    bucket, _, prefix = unquote(parts.path).strip("/").partition("/")
    if not BUCKET_NAME.fullmatch(bucket):
        raise _Nonsense(f"names no bucket: {FORM}")
    if prefix and (not PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise _Nonsense("has a prefix with more than letters, digits, '.', '_', '-' and '/'")
    plain = parts.scheme == "s3+http" or host in LOOPBACK
    address = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    where = f"{'http' if plain else 'https'}://{address}"
    return {"endpoint_url": where, "bucket_name": bucket, "location": prefix}


def _login(parts: SplitResult) -> dict[str, str]:
    if not (parts.username or parts.password):
        return {}
    if not (parts.username and parts.password):
        raise _Nonsense(f"has half of a key and its secret: {FORM}, or none of both")
    return {"access_key": unquote(parts.username), "secret_key": unquote(parts.password)}


def _options(query: str) -> dict[str, str]:
    given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    if not given.keys() <= OPTIONS.keys():
        raise _Nonsense(f"has an option other than {' and '.join(OPTIONS)}")
    if not all(given.values()) or given.get("addressing", "path") not in ("path", "virtual"):
        raise _Nonsense("has an option whose value makes no sense")
    return {OPTIONS[name]: value for name, value in given.items()}

"""An endpoint and a profile put together: what each handshake carries, and where the profile's paths are."""

from __future__ import annotations

from dataclasses import replace

from .endpoint import Endpoint
from .profile import Profile


def with_profile(endpoint: Endpoint, profile: Profile) -> Endpoint:
    """The echo below ``endpoint``, with the profile's fields, cookies and secrets; what ``endpoint`` has wins."""
    base = endpoint.target.split("?", 1)[0].rstrip("/")
    given = {name.lower() for name, _ in endpoint.fields}
    fields = [*endpoint.fields, *(pair for pair in profile.field_pairs() if pair[0].lower() not in given)]
    own = next((value for name, value in fields if name.lower() == "cookie"), "")
    names = {cookie.partition("=")[0].strip() for cookie in own.split(";")}
    cookies = [f"{name}={value}" for name, value in profile.cookie_pairs() if name not in names]
    if cookies:
        fields = [pair for pair in fields if pair[0].lower() != "cookie"]
        fields.append(("Cookie", "; ".join([own, *cookies] if own else cookies)))
    secrets = endpoint.secrets | profile.secrets
    return replace(endpoint.at(base + profile.echo_path), fields=tuple(fields), secrets=secrets)


def placed(profile: Profile | None, endpoint: Endpoint) -> Profile | None:
    """The profile with its paths as request targets on the server of ``endpoint``, which points to its echo."""
    if profile is None:
        return None
    return profile.below(endpoint.target.removesuffix(profile.echo_path))

"""How a producer promises to be heard of, and takes its promise back: by a header."""

from ..core.errors import InvalidIndex, InvalidRequest
from ..core.leasing import Claim
from ..core.limits import LEASE_SECONDS_MAX
from ..core.names import check_client
from .call import Asked
from .fields import whole


def claim_of(asked: Asked) -> Claim | None:
    """Return the promise that a request makes; one of 0 ms takes back what its client has promised
    before. None when it says nothing. Raises `InvalidIndex`, `InvalidRequest`, `InvalidName`.
    """
    text = asked.header(b"x-lease-seconds")
    if text is None:
        return None
    seconds, client = whole("X-Lease-Seconds", text.strip()), asked.header(b"x-client-id")
    if seconds > LEASE_SECONDS_MAX:
        raise InvalidIndex(f"X-Lease-Seconds must be at most {LEASE_SECONDS_MAX}")
    if client is None:
        raise InvalidRequest("X-Lease-Seconds needs the X-Client-Id that makes the promise")
    check_client(client)
    return Claim(client, seconds * 1000)

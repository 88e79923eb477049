"""What links to this service begin with."""

from __future__ import annotations

import re

from flask import request

from distrib.api.calls.call import Call
from distrib.domain.refusals import BadRequest

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


def base_of_links(call: Call) -> str:
    """The public URL of the settings, else the root by which the request reached the service.

    Raises:
        Refusal: ``bad_request`` for a host that cannot be one.
    """
    if call.backend.public_url:
        return call.backend.public_url
    if _HOST.fullmatch(request.host) is None:
        raise BadRequest()
    return request.root_url

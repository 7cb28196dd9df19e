"""Failing HTTP answers, as ``requests`` raises them."""

import requests


def http_error(status, message="", headers=None):
    """What ``raise_for_status`` raises; its response is falsy, as failing ones are."""
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers or {})
    return requests.HTTPError(message, response=response)

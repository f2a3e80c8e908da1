"""Clients of the deployment."""

from uuid import uuid4

import pytest

from tests.deployed.client import HttpClient
from tests.deployed.stack import Stack


@pytest.fixture(scope="session")
def client(stack: Stack) -> HttpClient:
    """A client that is nothing but HTTP, with the secret key."""
    return HttpClient(stack.url, stack.secret)


@pytest.fixture
def run() -> str:
    return f"run_{uuid4().hex}"

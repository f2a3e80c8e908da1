"""A model that answers, and streams to write to."""

from collections.abc import Iterator

import pytest

from tests.ai.model_server import Model, serving


@pytest.fixture(scope="session")
def served_model() -> Iterator[Model]:
    with serving() as model:
        yield model


@pytest.fixture
def model(served_model: Model, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The model, which clients find by their environment."""
    for name, value in served_model.environ().items():
        monkeypatch.setenv(name, value)
    served_model.asked.clear()
    served_model.left.clear()
    return served_model

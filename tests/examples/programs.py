"""The examples' programs, loaded from their files."""

import importlib.util
from types import ModuleType

from tests.tools import ROOT

EXAMPLES = ROOT / "examples"

SAID = "To be, or Fuß 👍🏽!"
"""What the model on this machine says."""


def loaded(name: str) -> ModuleType:
    """Run the file *name* below `examples` as a module, and return that."""
    path = EXAMPLES / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

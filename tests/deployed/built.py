"""Built functions as Lambda runs them: Python 3.13, its runtime client, the layers, and what the
runtime brings.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.emulators.ministack import command
from tests.functions.runtime import RuntimeApi, function_process

RUNTIME = (
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "s3transfer",
    "simplejson",
    "six.py",
    "snapshot_restore_py",
    "urllib3",
)
"""What Lambda's Python brings along; MiniStack's environment has it too."""


def python() -> Path:
    """Return the Python 3.13 that has the runtime client."""
    start = command()
    assert start is not None
    return start.parent / "python"


def link_runtime(folder: Path) -> Path:
    """Fill *folder* with what the runtime brings, and nothing else of that Python's packages."""
    [packages] = (python().parent.parent / "lib").glob("python3.13/site-packages")
    for name in RUNTIME:
        (folder / name).symlink_to(packages / name)
    for native in packages.glob("runtime_client*"):
        (folder / native.name).symlink_to(native)
    return folder


@contextmanager
def built_function(
    name: str, built: Path, runtime: Path, environment: Mapping[str, str], log: Path
) -> Iterator[RuntimeApi]:
    """Run function *name* of what `sam build` has made in *built*; yield what hands it events."""
    layers = (built / "DependenciesLayer" / "python", built / "PackageLayer" / "python")
    folder = built / f"{name.capitalize()}Function"
    packages = {"PYTHONPATH": ":".join(map(str, (folder, *layers, runtime)))}
    start = [python(), "-S", "-m", "awslambdaric", "app.handler"]
    with (
        RuntimeApi().serving() as api,
        function_process(name, api, {**environment, **packages}, log, start, folder),
    ):
        yield api

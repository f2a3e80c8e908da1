"""What the functions serve, as their environment sets it."""

from collections.abc import Callable, Mapping

from aws_lambda_powertools.metrics import Metrics
from botocore.session import Session

from ..core.origins import ANY, origins_of
from ..core.settings import SECRET_ARN, SECRET_KEY, limits_of, previous_days_of
from ..http.access import Keys
from ..http.service import Host, Service
from ..stores.aws import AwsStore, SettingMissing
from ..stores.aws.store import session
from ..wiring import new_id, open_log
from .metrics import Measuring

_THREADS = 16
"""Calls to AWS at a time. A process has one request at a time, and a page may need many objects."""


def service_of(
    environ: Mapping[str, str], metrics: Metrics, host: Host, time_left: Callable[[], int]
) -> Service:
    """Return what the API serves at *host*; *time_left* is the function's own, in milliseconds.

    Raises `SettingMissing`, `ValueError`.
    """
    aws = session()  # one for all clients: making it takes longer than making a client
    log = open_log(
        AwsStore.from_environment(new_id=new_id, threads=_THREADS, aws=aws),
        limits_of(environ),
        background=False,
        time_left=time_left,
        observer=Measuring(metrics),
    )
    origins = origins_of(environ.get("RUNSTREAMS_ALLOWED_ORIGINS") or ANY)
    return Service(log, _keys(environ, aws), host, origins)


def _keys(environ: Mapping[str, str], aws: Session) -> Keys:
    if given := environ.get(SECRET_KEY):
        return Keys([given])
    if not (secret := environ.get(SECRET_ARN)):
        raise SettingMissing(f"neither {SECRET_ARN} nor {SECRET_KEY} is set")
    from .keys import RotatingKeys  # only where it is needed: it takes 20 ms

    return RotatingKeys(aws, secret, previous_days_of(environ))

"""The figures of one process, put together with whoever makes and whoever tells them."""

from collections.abc import Mapping, Sequence

from starlette.routing import Router

from ...core.ports import Store
from ...wiring import now
from ..settings import Settings
from .exposition import Exposition
from .figures import Figures
from .route import router_of
from .sharing import folder
from .storing import measured
from .watching import Counting, Measuring

_PREPARATIONS = ("batches.put",)
"""What a store in a folder does without touching the disk: to time it would take as long."""


class Metrics:
    """What a server measures and tells."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], routers: Sequence[Router]
    ) -> None:
        """Tell requests apart by the routes of *routers*, and of the one at which this is told."""
        self._figures = Figures("aws" if settings.aws else "sqlite")
        self._unseen = () if settings.aws else _PREPARATIONS
        exposition = Exposition(self._figures, folder())
        self.keep_handed_on = exposition.keep_handed_on
        self.router = router_of(exposition, environ)
        self.observer = Measuring(self._figures, now)
        routes = [route for router in (*routers, self.router) for route in router.routes]
        self.onlooker = Counting(self._figures, routes)

    def measured(self, store: Store) -> Store:
        """Return *store*, whose calls are measured."""
        return measured(store, self._figures, self._unseen)

"""The figures of one process, put together with whoever makes and whoever tells them."""

from collections.abc import Mapping

from ...core.ports import Store
from ..settings import Settings
from .exposition import Exposition
from .figures import Figures
from .route import router_of
from .sharing import folder
from .storing import measured
from .watching import Counting, Measuring

_FROM_MEMORY = ("batches.put", "batches.get", "heads.get")
"""What a store in a folder does in some microseconds: to time it would take as long."""


class Metrics:
    """What a server measures and tells."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._figures = Figures("aws" if settings.aws else "sqlite")
        self._unseen = () if settings.aws else _FROM_MEMORY
        exposition = Exposition(self._figures, folder())
        self.keep_handed_on = exposition.keep_handed_on
        self.router = router_of(exposition, environ)
        self.observer = Measuring(self._figures)
        self.request_observer = Counting(self._figures)

    def measured(self, store: Store) -> Store:
        """Return *store*, whose calls are measured."""
        return measured(store, self._figures, self._unseen)

"""`KeptState`: what schedules and callbacks keep between epochs, saved, restored, and put back for a new training."""

from __future__ import annotations

from copy import deepcopy

from minigrad.errors import StateError
from minigrad.pytorch_names.keywords import ExplainedKeywords
from minigrad.typing import StateDict


class KeptState(ExplainedKeywords):
    """An object that `fit` changes: its state is saved in checkpoints, and put back before each new training."""

    def state_dict(self) -> StateDict:
        """What a checkpoint saves of this object: numbers, texts, arrays, and lists and dicts of them.

        Returns:
            A dict that is unaffected by what comes later; {} by default, which keeps nothing.
        """
        return {}

    def load_state_dict(self, state: StateDict) -> None:
        """Restore what `state_dict` returned.

        Args:
            state: as `state_dict` returned it.

        Raises:
            StateError: it is the state of another object.
        """
        if state:
            raise StateError(f"{type(self).__name__} keeps no state, got {', '.join(map(str, state))}")

    def reset(self) -> None:
        """Put back the state that this object had at the first call.

        `fit` calls it before anything else, so that a second training with the same object begins like the first.
        """
        begun = vars(self).get("_state_at_first")
        if begun is None:
            vars(self)["_state_at_first"] = deepcopy(self.state_dict())
        else:
            self.load_state_dict(deepcopy(begun))

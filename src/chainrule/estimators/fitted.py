"""What an estimator keeps from one call of `fit` or `partial_fit` to the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule.estimators.attributes import Attributes
from chainrule.estimators.fit_call import FitCall
from chainrule.estimators.resuming import predicting_theta
from chainrule.estimators.table_plan import TablePlan
from chainrule.model.ensemble import Ensemble
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.training import Training, TrainingState
from chainrule.training.exposure import ENCODED

__all__ = ["COUNTS", "Fitted", "restored_on_failure"]

COUNTS = ("seed_", "n_iter_", "t_", "stopped_", "_since", "_base", "_rule")  # how far training is
LEARNED = ("network_", "history_", "settings_", "suspects_", "_targets", "_plan", "_wide", "_state", "_rows", "_kept")
INPUTS = ("n_features_in_", "feature_names_in_")


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[None]:
    """If the block fails before a training is kept, restore the estimator as it was before."""
    attributes = estimator.__dict__
    before = {name: attributes[name] for name in (*COUNTS, *LEARNED, *INPUTS) if name in attributes}
    try:
        yield
    except BaseException:
        history = attributes.get("history_")
        if history is None or history is before.get("history_"):
            for name in (*COUNTS, *LEARNED, *INPUTS):
                attributes.pop(name, None)
            attributes.update(before)
        raise


class Fitted(Attributes):
    """The network, and everything that training needs to go on as if it had never stopped.

    - network_: has the weights to predict with.
    - seed_, n_iter_, t_, stopped_: as `MLPClassifier` documents them.
    - _targets: what y is; see `chainrule.tables.targets`.
    - _plan: what preset="tabular" has chosen; None without it.
    - _wide: the network of all members that `network_` is merged from; None where there is one member.
    - _rows: the digest of the rows that several members were trained on; None for one member, and for calls with
      different rows. It is no part of a file.
    - _state: where training is. It has the weights of the network in training, unless a validation set chooses: then
      the network has the best so far, and the state both. None before the first epoch.
    - _rule: the optimizer of the last call.
    - _base: the number of epochs before the fit that `n_iter_` counts from.
    - _since: the epoch from which on plateaus are counted (see `chainrule.estimators.stopping`).
    """

    settings_: dict[str, Any]
    suspects_: list[str]
    _plan: TablePlan | None = None
    _wide: Network | None = None
    _rows: str | None = None

    @property
    def _built(self) -> bool:
        """Whether there is a network."""
        return hasattr(self, "network_")

    @property
    def _parameters(self) -> Any:
        """The parameters as they run: the estimator's own, or those that the preset has made of them."""
        return self if self._plan is None else self._plan.current(self)

    @property
    def _ensemble(self) -> Ensemble:
        """The networks that are trained together, without the rows that each leaves out: one without a preset."""
        return Ensemble(self.network_.architecture) if self._plan is None else self._plan.ensemble

    @property
    def _trained(self) -> Network:
        """The network that is trained, with the weights to predict with: that of all members, if there are several."""
        return self.network_ if self._wide is None else self._wide

    def _begin_with(
        self, network: Network, targets: Any, plan: TablePlan | None = None, settings: dict[str, Any] | None = None
    ) -> None:
        """Forget everything, and take a network before training; a plan has `settings` to show."""
        for name in ("history_", "_plan", "_wide", "settings_", "suspects_", "_rows", "_kept"):
            self.__dict__.pop(name, None)
        assert network.seed is not None, "its weights are drawn"
        self.network_, self.seed_, self._targets = network, network.seed, targets
        if plan is not None:
            self._plan, self.settings_ = plan, settings or {}
            self._put(network)
        self.n_iter_ = self.t_ = self._since = self._base = 0
        self.stopped_ = False
        self._state: TrainingState | None = None
        self._rule: Optimizer | None = None

    def _put(self, network: Network) -> None:
        """Take a trained network, and the merged one to predict with."""
        self.network_ = self._ensemble.merged(network)
        if network is not self.network_:
            self._wide = network

    def _keep(self, call: FitCall, training: Training) -> None:
        """Take what a call has trained."""
        state = training.state
        theta = predicting_theta(state)
        if not call.once:
            if "end cost" not in training.history.probes:  # it was left before its end, which probes the weights
                training.probe_end(theta)
            state.history.probes |= training.history.probes
        self._state, self._rule = state, call.rule
        self.history_ = self._shown_history(state)
        call.network.theta = theta
        self._put(call.network)
        self.t_ += (state.epoch - call.begun) * len(training.examples.rows)
        self.n_iter_ = state.epoch - self._base
        self.stopped_ = state.history.stopped not in ("", "cancelled")

    def _attributes_now(self, call: FitCall, training: Training) -> dict[str, Any]:
        """The attributes of an estimator that predicts as this one would if training ended now."""
        state = training.state
        network = Network.from_parts(call.network.architecture, predicting_theta(state), self.seed_)
        return {"network_": self._ensemble.merged(network), "history_": self._shown_history(state)}

    def _shown_history(self, state: TrainingState) -> Any:
        """The history with the mean cost of the members: the network's cost is their sum."""
        if self._plan is not None and state.history.noise:
            state.history.exposed = ENCODED
        return state.history if self._ensemble.count == 1 else self._ensemble.history(state.history)

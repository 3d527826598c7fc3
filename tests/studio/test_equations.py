"""The equations of the studio have the numbers of the ledger; the update that they announce is the one that comes."""

from collections.abc import Callable
from typing import Any

import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.studio import Session

Train = Callable[[Session], None]


def trainer_of(session: Session) -> Any:
    return session.work.required()


def test_every_number_of_an_equation_is_the_ledgers(circles: Session) -> None:
    circles.do({"do": "update"})
    trainer = trainer_of(circles)
    ledger = trainer.net.backprop(trainer.dataset.train.X[5:6], trainer.dataset.train.T[5:6])
    for layer, (dW, db) in enumerate(zip(ledger.dW, ledger.db, strict=True), 2):
        for j in range(dW.shape[1]):
            bias = circles.do({"do": "equation", "kind": "bias", "layer": layer, "j": j + 1, "row": 5})
            values = {e["equation"]: e["value"] for e in bias["parts"][0]["equations"]}
            assert values["BP3"] == db[j]
            assert values["forward"] == ledger.Z[layer - 2][0, j]
            assert values["activation"] == ledger.A[layer - 1][0, j]
            assert values["BP1" if layer == len(ledger.dW) + 1 else "BP2"] == ledger.delta[layer - 2][0, j]
            for i in range(dW.shape[0]):
                pick = {"kind": "weight", "layer": layer, "i": i + 1, "j": j + 1, "row": 5}
                assert circles.do({"do": "equation", **pick})["parts"][0]["equations"][-1]["value"] == dW[i, j]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "schedule_free", "muon", {"name": "sgd", "momentum": 0.9}])
@pytest.mark.parametrize("more", [{}, {"alpha": 0.5, "dropout": 0.5}])
def test_the_update_that_follows_is_the_one_that_comes(circles: Session, optimizer: Any, more: dict[str, Any]) -> None:
    circles.do({"do": "change", "settings": {"optimizer": optimizer, **more}})
    circles.do({"do": "update"})
    answer = circles.do({"do": "equation", "kind": "weight", "layer": 2, "i": 2, "j": 3})
    gradient, rule = answer["parts"][1]["equations"][0], answer["parts"][2]
    trainer = trainer_of(circles)
    assert rule["before"] == trainer.net.W[0][1, 2]
    assert gradient["value"] == trainer.batch_ledger(trainer.next_batch).dW[0][1, 2]
    circles.do({"do": "update"})
    assert rule["after"] == trainer_of(circles).net.W[0][1, 2]
    assert rule["equations"][0]["value"] == rule["after"]


def test_the_mean_of_points_is_shown_with_the_gradient_from_where_it_is_taken(circles: Session) -> None:
    circles.do({"do": "change", "settings": {"optimizer": "schedule_free"}})
    for _ in range(3):
        circles.do({"do": "update"})
    answer = circles.do({"do": "equation", "kind": "bias", "layer": 2, "j": 3})
    g, rule = answer["parts"][1]["equations"][0]["value"], answer["parts"][2]
    before, after = rule["slots"][1]["before"], rule["slots"][1]["after"]
    assert after == pytest.approx(0.999 * before + 0.001 * g**2, rel=1e-5)
    z = rule["after"] + rule["slots"][0]["after"]
    assert rule["after"] == pytest.approx(0.75 * rule["before"] + 0.25 * z, rel=1e-5)  # of the fourth update
    assert "(1 − c)" in rule["equations"][0]["text"]


def test_the_matrix_form_and_both_notations(circles: Session) -> None:
    for notation, letters in (("GD", "w"), ("BP", "W")):
        answer = circles.do({"do": "equation", "kind": "layer", "layer": 3, "notation": notation})
        assert answer["parts"][0]["equations"][0]["latex"].count(letters)
        assert answer["parts"][0]["equations"][0]["mathml"].startswith("<math")


def test_the_tour_has_eight_steps_with_the_numbers_of_the_row(circles: Session) -> None:
    steps = [circles.do({"do": "tour", "row": 4, "step": step}) for step in range(1, 9)]
    names = [[equation["equation"] for equation in step["equations"]] for step in steps]
    assert names == [
        [], ["forward"], ["activation"], ["forward", "activation"], [], ["BP1"], ["BP2"], ["BP4", "BP4", "update"]
    ]  # fmt: skip
    trainer = trainer_of(circles)
    ledger = trainer.ledger([4])
    assert steps[1]["equations"][0]["value"] == ledger.Z[0][0, 0]
    assert f"{float(ledger.cost[0]):.4g}" in steps[4]["text"]
    for wrong in ({"step": 0}, {"step": 9}, {"row": 999}, {"row": -1}, {"row": "a"}):
        with pytest.raises(SettingError):
            circles.do({"do": "tour", **wrong})


@pytest.mark.parametrize(
    "pick",
    [
        {"kind": "weight", "layer": 1},
        {"kind": "weight", "layer": 2, "i": 3},
        {"kind": "neuron", "layer": 2, "j": 0},
        {"kind": "cost", "layer": 2},
        {"kind": "layer", "layer": 2, "notation": "XY"},
        {"kind": "layer", "layer": [2]},
        {"kind": "layer", "layer": 2, "row": 10**9},
    ],
)
def test_a_pick_that_is_not_there_is_said_in_one_line(circles: Session, pick: dict[str, Any]) -> None:
    with pytest.raises(cr.ChainruleError) as error:
        circles.do({"do": "equation", **pick})
    assert "\n" not in str(error.value)


def test_the_certificate_is_that_of_the_network(circles: Session) -> None:
    answer = circles.do({"do": "certificate"})
    assert answer["ok"] is True
    assert "certified" in answer["text"]
    assert len(answer["theta"]) == 64

"""Models of texts: what they learn by pairs of words, when their training ends, and what compares with them."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.model.baselines import BASELINES
from chainrule.model.settings import TableSettings
from chainrule.model.training import TableTraining
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import as_source

WORDS = ["film", "plot", "cast", "score", "very", "the", "a", "scene", "light", "end"]


def reviews(rows=400, seed=0):
    """Reviews that are good or not by `not`, whose words are the same in both classes."""
    draw = np.random.default_rng(seed)
    texts, answers = [], []
    for good in draw.random(rows) < 0.5:
        said = ["not bad", "good"] if good else ["not good", "bad"]
        some = [*draw.choice(WORDS, 6), *said]
        texts.append(" ".join(some[k] for k in draw.permutation(len(some))))
        answers.append("yes" if good else "no")
    return {"text": texts, "y": answers}


def test_pairs_of_words_tell_classes_apart_that_have_the_same_words() -> None:
    model = cr.train_table(reviews(), "y", seed=0)
    unseen = reviews(200, seed=1)
    assert np.mean(model.predict(unseen) == np.array(unseen["y"])) > 0.97
    assert {"text=not bad", "text=not good"} <= set(model.encoder.feature_names)


@pytest.mark.parametrize(("more", "patience"), [({}, 160), ({"patience": 7}, 7), ({"epochs": 3}, None)])
def test_a_training_on_texts_ends_soon_unless_the_user_decides(more, patience) -> None:
    training = TableTraining(reviews(100), "y", TableSettings(seed=0, **more))
    assert training.settings.patience == patience


def test_few_words_beside_other_inputs_do_not_end_the_training() -> None:
    table = reviews(100)
    numbers = {f"x{k}": np.random.default_rng(k).normal(size=100) for k in range(60)}
    training = TableTraining({**table, **numbers}, "y", TableSettings(seed=0))
    assert training.settings.patience == 200


def test_the_dependence_on_a_pair_is_that_of_a_text_with_both_words() -> None:
    rows = reviews(100)
    model = cr.train_table(rows, "y", seed=0, epochs=3, dtype="float64")
    dependence = model.dependence(rows, "text", points=len(model.encoder.feature_names) + 1)
    place = dependence.values.index("not bad")
    np.testing.assert_allclose(dependence.mean[place], model.outputs({"text": ["not bad"]})[0])
    assert dependence.values[-1] == "none"


def test_boosting_is_compared_with_on_the_thousand_most_frequent_words() -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(f"w{k}" for k in draw.integers(0, 1500, 40)) for _ in range(400)]
    table = as_source({"text": texts}).table()
    encoder = Encoder.fit(table)
    assert encoder.width > 1100
    _, inputs = BASELINES["boosting"]
    X, _, are_categories = inputs(encoder, table, table)
    assert X.shape == (400, 1001)
    assert len(are_categories) == 1001
    np.testing.assert_array_equal(encoder.encode(table, "float64")[:, :1001] > 0, X)

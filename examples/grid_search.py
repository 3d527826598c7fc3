"""Use MLPClassifier with scikit-learn's tools: scaled inputs, and a grid search with cross-validation.

python examples/grid_search.py     569 tumours with 30 measures (part of scikit-learn): benign or not?
"""

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier

GRID = {"mlpclassifier__hidden_layer_sizes": [(32,), (32, 32)], "mlpclassifier__dropout": [0.0, 0.2]}


def main() -> None:
    """Search, and score the best settings on test rows."""
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    net = MLPClassifier(class_weight="balanced", max_iter=300, tol=1e-3, random_state=0)
    search = GridSearchCV(make_pipeline(StandardScaler(), net), GRID, scoring="roc_auc", cv=5).fit(X, y)
    print("the best of", len(search.cv_results_["params"]), "by cross-validation:", search.best_params_)
    print(f"area under the ROC curve on the test rows: {search.score(X_test, y_test):.3f}")


if __name__ == "__main__":
    main()

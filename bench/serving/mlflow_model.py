"""Saves a scikit-learn network of our size, over our columns, as an MLflow model.

    python mlflow_model.py ROW.json MODEL

ROW.json is one row: names and values. The rows it is fitted to are made up: only its speed counts.
"""

import json
import sys

import mlflow.sklearn
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

row = json.load(open(sys.argv[1]))
texts = [name for name, value in row.items() if isinstance(value, str)]
random = np.random.default_rng(1)
count = 2000
columns = {
    name: random.choice(["a", "b", row[name]], count) if name in texts else random.random(count)
    for name in row
}
prepare = ColumnTransformer(
    [("text", OneHotEncoder(handle_unknown="ignore"), texts)],
    remainder=SimpleImputer(keep_empty_features=True),
)
network = MLPClassifier((64, 32), max_iter=5, random_state=1)
model = make_pipeline(prepare, network).fit(pd.DataFrame(columns), random.integers(0, 2, count))
mlflow.sklearn.save_model(
    model, sys.argv[2], pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle"
)
print(f"MLflow {mlflow.__version__}")

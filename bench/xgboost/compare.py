"""Tunes XGBoost by 50 TPE trials on exported rows and compares it with our predictions.

    deno task export:training -- --out ROWS
    deno task train -- --rows ROWS --label label --drop category_id --out OURS
    pip install -r bench/xgboost/requirements.txt
    python bench/xgboost/compare.py ROWS OURS

Both see the same columns of the same rows; tuning and stopping use validation rows only. Prints the
scores and the paired bootstrap (by cart) of the differences ours - XGBoost on the test rows. What
XGBoost predicts is kept in ROWS/xgboost.parquet and read again from there; delete it to tune anew.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import polars as pl
import xgboost as xgb
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

KEYS = ["user_id", "user_session", "product_id", "category_id", "split"]


def read(rows: Path):
    frames = {part: pl.read_parquet(rows / f"{part}.parquet") for part in ("train", "validation", "test")}
    texts = [c for c, t in frames["train"].schema.items() if t == pl.String and c not in KEYS]
    codes = {c: {v: i for i, v in enumerate(frames["train"][c].drop_nulls().unique().sort())} for c in texts}
    out = {}
    for part, frame in frames.items():
        columns = [pl.col(c).replace_strict(codes[c], default=None, return_dtype=pl.Float32) for c in texts]
        features = frame.with_columns(
            hour=pl.col("event_time").dt.hour(), weekday=pl.col("event_time").dt.weekday(), *columns
        ).drop([c for c in [*KEYS, "event_time", "label"] if c in frame.columns])
        out[part] = (features.cast(pl.Float32).to_numpy(), frame["label"].to_numpy())
    return out, frames["test"]


def tune(data, trials: int):
    train, validation = (xgb.DMatrix(*data[part]) for part in ("train", "validation"))

    def fit(parameters):
        return xgb.train(
            {"objective": "binary:logistic", "eval_metric": "aucpr", "tree_method": "hist", "seed": 1, **parameters},
            train, 800, evals=[(validation, "validation")], early_stopping_rounds=30, verbose_eval=False,
        )

    def objective(trial):
        return fit({
            "max_depth": trial.suggest_int("max_depth", 2, 9),
            "eta": trial.suggest_float("eta", 0.02, 0.3, log=True),
            "min_child_weight": trial.suggest_float("min_child_weight", 1, 100, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1),
            "lambda": trial.suggest_float("lambda", 0.1, 30, log=True),
        }).best_score

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(objective, n_trials=trials)
    return fit(study.best_params), study.best_params


def bootstrap(labels, ours, theirs, carts, resamples=1000):
    random = np.random.default_rng(1)
    _, group = np.unique(carts, return_inverse=True)
    ap, brier = [], []
    for _ in range(resamples):
        weight = np.bincount(random.integers(0, group.max() + 1, group.max() + 1), minlength=group.max() + 1)[group]
        ap.append(average_precision_score(labels, ours, sample_weight=weight)
                  - average_precision_score(labels, theirs, sample_weight=weight))
        brier.append(np.average((ours - labels) ** 2 - (theirs - labels) ** 2, weights=weight))
    return [np.percentile(x, [2.5, 50, 97.5]).round(5).tolist() for x in (ap, brier)]


def tuned_predictions(rows: Path, data, trials: int):
    kept = rows / "xgboost.parquet"
    if not kept.exists():
        start = time.perf_counter()
        booster, parameters = tune(data, trials)
        p = booster.predict(xgb.DMatrix(data["test"][0]), iteration_range=(0, booster.best_iteration + 1))
        pl.DataFrame({"p": p}).write_parquet(kept)
        about = {**parameters, "trials": trials, "seconds": round(time.perf_counter() - start)}
        (rows / "xgboost.json").write_text(json.dumps(about))
    return pl.read_parquet(kept)["p"].to_numpy(), json.loads((rows / "xgboost.json").read_text())


def main(rows: Path, ours: Path, trials: int):
    data, test = read(rows)
    labels = data["test"][1]
    theirs, parameters = tuned_predictions(rows, data, trials)
    p = pl.read_parquet(ours / "predictions.parquet")["p"].to_numpy()
    carts = (test["user_id"].cast(pl.String) + "|" + test["user_session"].fill_null("")).to_numpy()
    ap, brier = bootstrap(labels, p, theirs, carts)
    scores = lambda q: {
        "average precision": round(average_precision_score(labels, q), 4),
        "ROC AUC": round(roc_auc_score(labels, q), 4),
        "Brier": round(brier_score_loss(labels, q), 5),
    }
    logistic = json.loads((ours / "report.json").read_text())["baselines"]["logistic regression"]["test"]
    print(json.dumps({
        "rows": {part: len(y) for part, (_, y) in data.items()}, "ours": scores(p), "xgboost": scores(theirs),
        "logistic regression": {"average precision": logistic["averagePrecision"], "Brier": logistic["brier"]},
        "xgboost parameters": parameters, "difference of average precision, 95 %": ap,
        "difference of Brier, 95 %": brier,
    }, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 50)

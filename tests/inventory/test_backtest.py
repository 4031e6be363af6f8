"""manage.py inventory_backtest: what it computes, what it takes, and what it refuses."""

import gzip
import json
import random
from datetime import date, timedelta
from io import StringIO

import duckdb
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from inventory.forecasting.scoring import OURS, average, eligible, rolling

MONDAY = date(2024, 1, 1)


def shop(products=40, days=250, seed=1):
    """Units of products that sell the more seldom, the higher their number."""
    chance = np.random.default_rng(seed)
    rates = np.linspace(3, 0.2, products)[:, None] * np.ones(days)
    rates[:, 6::7] = 0
    return chance.negative_binomial(1, 1 / (1 + rates)).astype(float)


def rows_of(units):
    for number, row in enumerate(units):
        for index in np.flatnonzero(row):
            yield f"S{number:03d}", MONDAY + timedelta(days=int(index)), int(row[index])


def written(path, units, header="sku,date,units"):
    rows = list(rows_of(units))
    random.Random(1).shuffle(rows)
    text = "\n".join([header, *(f"{sku},{day},{count}" for sku, day, count in rows)]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def run(path, *options, **more):
    out = StringIO()
    call_command("inventory_backtest", "--data", str(path), *map(str, options), stdout=out, **more)
    return out.getvalue()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backtest")
    path = written(folder / "demand.csv", shop())
    told = run(path, "--origins", 3, "--json", folder / "out.json")
    return told, json.loads((folder / "out.json").read_text())


def test_the_figures_are_those_of_their_definitions(found):
    """Of one baseline, computed again here from the file's own numbers."""
    _, document = found
    units = shop()
    last = max(day for _, day, _ in rows_of(units))
    units = units[:, : (last - MONDAY).days + 1]
    rmsse, wape, bias = [], [], []
    for back in (84, 56, 28):
        origin = units.shape[1] - back
        past, actual = units[:, :origin], units[:, origin : origin + 28]
        fit = eligible(past)
        past, actual = past[fit], actual[fit]
        guess = past[:, -28:].mean(axis=1)
        scale = [np.mean(np.diff(row[np.argmax(row > 0) :]) ** 2) for row in past]
        rmsse.append(np.mean(np.sqrt(((actual - guess[:, None]) ** 2).mean(axis=1) / scale)))
        off = guess * 28 - actual.sum(axis=1)
        wape.append(np.abs(off).sum() / actual.sum())
        bias.append(off.sum() / actual.sum())
    baseline = document["baselines"]["28-day average"]
    assert baseline["rmsse"] == pytest.approx(np.mean(rmsse), abs=1e-5)
    assert baseline["wape28"] == pytest.approx(np.mean(wape), abs=1e-5)
    assert baseline["bias"] == pytest.approx(np.mean(bias), abs=1e-5)
    assert [o["baselines"]["28-day average"]["wape28"] for o in document["origins"]] == pytest.approx(wape, abs=1e-5)


def test_the_report_has_everything_and_the_forecast_is_better(found):
    told, document = found
    overall = document["overall"]
    assert {"rmsse", "wape28", "bias", "pinball", "coverage90", "width90"} <= set(overall)
    for name in ("seasonal naive", "28-day average", "mean", "zero"):
        assert overall["rmsse"] < document["baselines"][name]["rmsse"]
        assert name in told
    assert 0.8 <= overall["coverage90"] <= 1
    for origin in document["origins"]:
        assert abs(origin["overall"]["bias"]) <= abs(origin["baselines"]["28-day average"]["bias"])
    assert sum(c["series"] for c in document["classes"].values()) == pytest.approx(overall["series"], abs=3)
    assert [origin["first_day"] for origin in document["origins"]] == ["2024-06-15", "2024-07-13", "2024-08-10"]
    assert (document["horizon"], document["data"]["series"]) == (28, 40)
    assert "WAPE28" in told


def test_nothing_after_an_origin_reaches_its_forecast():
    """The future is made a hundred times as large: no forecast of an earlier origin may notice."""
    units = shop(30, 224)
    changed = units.copy()
    changed[:, 168:] = changed[:, 168:] * 100 + 7
    before, after = rolling(units, MONDAY, horizon=28, origins=4), rolling(changed, MONDAY, horizon=28, origins=4)
    assert before[0] == after[0]
    assert before[1] == after[1]
    ours, other = before[2].overall[OURS], after[2].overall[OURS]
    actual, larger = units[:, 168:196].sum(), changed[:, 168:196].sum()
    assert (1 + ours.bias) * actual == pytest.approx((1 + other.bias) * larger), "the same forecast, another outcome"


def test_the_same_data_in_any_wrapping_gives_the_same_figures(tmp_path):
    units = shop(12, 150)
    plain = written(tmp_path / "plain.csv", units)
    packed = written(tmp_path / "packed.csv.gz", units, header="SKU,Date,Units")
    more = tmp_path / "more.csv"
    more.write_text("name;units;date;sku\n" + "".join(f"x;{count};{day};{sku}\n" for sku, day, count in rows_of(units)))
    parquet, timed = tmp_path / "demand.parquet", tmp_path / "timed.parquet"
    with duckdb.connect() as memory:
        memory.execute("CREATE TABLE t (price DOUBLE, sku TEXT, date DATE, units BIGINT)")
        memory.executemany("INSERT INTO t VALUES (1.5, ?, ?, ?)", list(rows_of(units)))
        memory.execute(f"COPY t TO '{parquet}' (FORMAT parquet)")
        memory.execute("SET TimeZone = 'UTC'")
        memory.execute(f"COPY (SELECT sku, date::TIMESTAMPTZ AS date, units FROM t) TO '{timed}' (FORMAT parquet)")
    told = {run(path, "--origins", 1) for path in (plain, packed, more, parquet, timed)}
    assert len(told) == 1


def test_days_without_a_row_are_zero_and_rows_of_one_day_add_up(tmp_path):
    units = shop(6, 150)
    units[:, -1] = 1
    dense, split = tmp_path / "dense.csv", tmp_path / "split.csv"
    all_rows = [(n, MONDAY + timedelta(days=d), units[n, d]) for n in range(6) for d in range(150)]
    dense.write_text("sku,date,units\n" + "".join(f"S{n:03d},{day},{count}\n" for n, day, count in all_rows))
    parts = (f"S{n:03d},{day},{part}\n" for n, day, count in all_rows for part in (count + 2, -2) if count)
    split.write_text("sku,date,units\n" + "".join(parts))
    assert run(dense, "--origins", 1).splitlines()[1:] == run(split, "--origins", 1).splitlines()[1:]


def test_rows_that_can_t_be_used_are_told_and_left_out(tmp_path):
    path = written(tmp_path / "demand.csv", shop(6, 150))
    clean = run(path, "--origins", 1).splitlines()[1:]
    bad = [
        "S001,31/12/2024,1",
        "S001,2024-02-30,1",
        ",2024-02-01,1",
        "S001,2024-02-01,many",
        "S001,2024-02-01,",
        "S1,,2",
    ]
    path.write_text(path.read_text() + "\n".join(bad) + "\n")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("inventory_backtest", "--data", str(path), "--origins", "1", stdout=out)
    assert ended.value.code == 1
    told = out.getvalue().splitlines()
    assert len([line for line in told if line.startswith("Rejected row")]) == 6
    assert "'31/12/2024' is no date: write it as 2026-12-31" in told[0]
    assert told[7:] == clean


@pytest.mark.parametrize(
    ("text", "message", "code"),
    [
        (None, "There is no file", 2),
        ("", "empty", 1),
        ("sku,date\nA,2024-01-01\n", "no column units", 1),
        ("product,when,count\nA,2024-01-01,1\n", "no column sku", 1),
        ("sku,date,units\n", "no usable row", 1),
        ("sku,date,units\nA,soon,1\n", "no usable row: line 2 'soon' is no date", 1),
        ("sku,date,units\nA,2024-01-01,1\nA,2024-03-01,1\n", "61 days of data: 4 origins of 28 days need", 1),
        ("sku,date,units\nA,2023-01-01,1\nA,2024-03-01,1\n", "no series has 84 days of history and 10 sale", 1),
        ("sku,date,units\nA,2023-01-01,1\nA,9999-03-01,1\n", "is there a wrong date", 1),
        ("PAR1 but no more", "can't be read as Parquet", 1),
    ],
)
def test_a_file_that_can_t_be_used_is_refused_with_the_reason(tmp_path, text, message, code):
    path = tmp_path / "demand.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CommandError, match=message) as refused:
        run(path, "--json", tmp_path / "out.json")
    assert refused.value.returncode == code
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("options", [["--horizon", "0"], ["--origins", "x"], ["--json", "/nowhere/there/out.json"]])
def test_wrong_usage(tmp_path, options):
    with pytest.raises(CommandError, match=r"takes a whole number|There is no folder"):
        run(written(tmp_path / "demand.csv", shop(2, 100)), *options)


def test_the_figures_never_take_the_place_of_the_data(tmp_path):
    path = written(tmp_path / "demand.csv", shop(2, 250))
    before = path.read_text()
    with pytest.raises(CommandError, match="is the data itself"):
        run(path, "--json", path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandError, match="is a folder"):
        run(path, "--json", tmp_path / "folder")
    assert path.read_text() == before


def test_another_horizon_names_its_own_figure(tmp_path):
    path = written(tmp_path / "demand.csv", shop(8, 150))
    told = run(path, "--origins", 2, "--horizon", 7, "--json", tmp_path / "out.json")
    assert "WAPE7" in told
    assert "wape7" in json.loads((tmp_path / "out.json").read_text())["overall"]


def test_means_leave_out_origins_without_sales():
    units = shop(10, 224)
    units[:, 196:] = 0
    scores = rolling(units, MONDAY, horizon=28, origins=2)
    assert scores[1].overall[OURS].wape is None
    assert average(scores).overall[OURS].wape == scores[0].overall[OURS].wape

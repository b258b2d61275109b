"""Tables in files: csv, tsv and parquet, plain or gzip. An empty cell is a missing value."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars import selectors

from bridle.data.columns import Columns
from bridle.data.dataset import Dataset
from bridle.data.options import Options
from bridle.data.sources.gzipped import unpacked
from bridle.data.sources.source import Source
from bridle.data.tabulate import tabulate
from bridle.errors import DataError
from bridle.records import Layout

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": ","}
PARQUET = (".parquet", ".pq")


def _accepts(source: Any) -> bool:
    return isinstance(source, Path) and source.is_file() and _ending(source) in (*SEPARATORS, *PARQUET)


def _ending(path: Path) -> str:
    """The ending that tells the format, whatever its case and packing."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _read(source: Path, options: Options, layout: Layout | None) -> Dataset:
    if not source.stat().st_size:
        raise DataError(f"{source} is empty (0 bytes). Name another file.")
    with unpacked(source, options.cache) as plain:
        try:
            scan = _parquet(plain) if _ending(source) in PARQUET else _text(plain, source)
            return tabulate(_columns(scan, source), options, layout)
        except (pl.exceptions.PolarsError, OSError) as error:
            if not isinstance(error, pl.exceptions.PolarsError) and getattr(error, "errno", None) is not None:
                raise
            raise DataError(f"{source} cannot be read: {_first_line(error)} Check the file.") from None


def _first_line(error: Exception) -> str:
    line = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{line}."


def _columns(scan: pl.LazyFrame, source: Path) -> Columns:
    def read(names: Sequence[str]) -> pl.DataFrame:
        frame: pl.DataFrame = scan.select(selectors.by_name(*names)).collect(engine="streaming")
        return frame

    return Columns(str(source), tuple(scan.collect_schema().names()), read)


def _parquet(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False)


def _text(path: Path, source: Path) -> pl.LazyFrame:
    """A text table with every cell as text: what a column is, its cells tell, all of them."""
    separator, header = _header(path, source)
    Columns(str(source), header, lambda _: pl.DataFrame())
    scan = pl.scan_csv(path, separator=separator, infer_schema=False, glob=False)
    _check_lengths(scan, path, source, separator, len(header))
    stored = scan.collect_schema().names()
    return scan.rename(dict(zip(stored, header, strict=True)), strict=True)


def _check_lengths(scan: pl.LazyFrame, path: Path, source: Path, separator: str, most: int) -> None:
    """Read every cell once: polars passes over a row that is too long where only some columns are asked for."""
    try:
        scan.select(pl.all().null_count()).collect(engine="streaming")
    except pl.exceptions.ComputeError as error:
        if "more fields" not in str(error):
            raise
        with path.open(encoding="utf-8-sig", newline="") as file:
            lengths = (len(cells) for cells in csv.reader(file, delimiter=separator))
            row, length = next(((row, length) for row, length in enumerate(lengths) if length > most), (0, most + 1))
        raise DataError(
            f"{source}: row {row} holds {length} cells, but there are {most} column names. Put texts that hold "
            f"{separator!r} in quotation marks, or correct the row."
        ) from None


def _header(path: Path, source: Path) -> tuple[str, tuple[str, ...]]:
    """The separator and the names of the columns; a csv file may be separated by semicolons or tabs."""
    separator = SEPARATORS[_ending(source)]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(2**20)
            if separator not in first:
                separator = next((other for other in (";", "\t", ",") if other in first), separator)
            file.seek(0)
            header = next(csv.reader(file, delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not text in UTF-8 ({error.reason}). Save it as UTF-8.") from None
    if not any(name.strip() for name in header):
        raise DataError(f"{source} is empty: its first line must hold the names of the columns. Name another file.")
    return separator, tuple(name.strip() for name in header)


SOURCE = Source("table", _accepts, _read)

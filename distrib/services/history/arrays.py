"""Columns of a Parquet file as NumPy has them: numbers, instants, truths, codes of texts.

What they mean must not enter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.commissions.chunk import NOBODY
from distrib.columns.tree import Integers, Truths

_LAST: Final = np.iinfo(np.int64).max


def column_of(table: pa.Table, name: str) -> pa.Array:
    """A column of a table as one array."""
    column = table.column(name)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def numbers(array: pa.Array, otherwise: int = NOBODY) -> Integers:
    """Numbers, or instants in microseconds since 1970; ``otherwise`` where there is none."""
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    if array.null_count:
        array = array.fill_null(otherwise)
    figures: Integers = array.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return figures


def last_numbers(array: pa.Array) -> Integers:
    """The same, where there is none later than all."""
    return numbers(array, int(_LAST))


def truths(array: pa.Array) -> Truths:
    """Truths."""
    said: Truths = array.to_numpy(zero_copy_only=False).astype(np.bool_, copy=False)
    return said


def coded(array: pa.Array, code_of: Callable[[str], int]) -> Integers:
    """The code of each text, asked for once a text; ``NOBODY`` where there is none."""
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    codes = np.array([*map(code_of, encoded.dictionary.to_pylist()), NOBODY], np.int64)
    return codes[numbers(encoded.indices)]


def counts(array: pa.Array) -> Integers:
    """How many records each row of a column of lists has."""
    return numbers(pc.list_value_length(array), 0)


def records(array: pa.Array) -> dict[str, pa.Array]:
    """The records of a column of lists one after another, as an array a part."""
    flat = array.flatten()
    return {flat.type.field(place).name: flat.field(place) for place in range(flat.type.num_fields)}

"""Measurements in ratios: ours against the bare engine, the bare framework, the plain way."""

"""Pipelines as graphs: reading and judging their steps, and drawing them. Pure."""

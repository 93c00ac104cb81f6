"""The edge of pipelines and presets."""

"""Outcomes of webhook verbs."""

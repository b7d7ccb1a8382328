"""Workflow Audit: every workflow search of a cluster becomes one immutable audit event."""

__version__ = "0.1.0"

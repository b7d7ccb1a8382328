"""A policy -> the objects that it asks for; they follow from it alone."""

from workflow_audit.domain.children.access import access_children
from workflow_audit.domain.children.alerts import alert_rules
from workflow_audit.domain.children.child import Child
from workflow_audit.domain.children.dashboard import dashboard

__all__ = ["Child", "access_children", "alert_rules", "dashboard"]

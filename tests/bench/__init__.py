"""Speed and size of Workflow Audit on this machine; `make bench` runs it.

Figures are ratios of what one run measured, because machines differ and drift. The method of each
and its weaknesses stand in docs/explanation/performance.md.
"""

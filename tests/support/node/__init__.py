"""A node without containers: pods run as processes of this machine.

So what a chart says of its pods is what runs: commands, variables, mounted Secrets, the rights of
the service account, probes. What it cannot show: images, users, read-only file systems, networks.
"""

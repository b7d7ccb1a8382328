"""The catalogue of workflows: asked when the operator runs a search itself."""

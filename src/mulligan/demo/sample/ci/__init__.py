"""What the steps of the pipeline run."""
